"""Connections to the services that `[pull]` and `[deliver]` name: secrets (`secret_values`),
requests with limits (`web_client`, `tries`, `pull_clock`), how a call fails (`call_faults`),
answers kept as they came (`answer_dumps`), what a run did (`pull_report`, `pull_record`), its
folders with their lock (`store_folders`), and what a check of credentials says
(`connection_check`).

`pipeline.deliver` with its folders, `pipeline.configuration` and the sources that ask services
import from here. Modules here may import `pipeline.settings` and `pipeline.workspace`.
"""
