"""The settings of `[deliver]`: where a night is sent, and the shop's own channel to its buyers.

Only `pipeline.settings`, `pipeline.deliver` and its folders import from here. This folder imports
nothing of ours, because the whole of config.toml is made from it.
"""
