"""The state of one store on disk: the workspace folder with its lock, atomic writes and run
folders, the table files, the run log, progress lines, and the messages for disk errors. Every other
folder of `pipeline` may import from here. This folder imports only `features` and
`pipeline.settings`.
"""
