"""Connect a store to the platforms that its data comes from.

`connect_store` asks a seller for what a platform needs, tests it and writes `[pull]` into
config.toml; `platform_table` lists the platforms (`platform_entry`), and `store_answers`,
`asked_answers`, `kept_secrets` and `config_sections` are its parts. `nightly_pull` fetches what is
new for a night. The command line imports from here. Modules here may import `features.clock`,
`pipeline.connections`, `pipeline.settings`, `pipeline.workspace`, `pipeline.output` and
`pipeline.load`; the table names the checkers in `pipeline.sources`.
"""
