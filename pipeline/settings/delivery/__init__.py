"""The settings that name secrets: `[deliver]`, where a night is sent and the shop's own channel to
its buyers, and `[pull]`, the platforms from which data is fetched.

Only `pipeline.settings`, `pipeline.connections`, `pipeline.deliver` with its folders and the
sources that ask services import from here. This folder imports nothing of ours, because the whole
of config.toml is made from it.
"""
