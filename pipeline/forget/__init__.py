"""The step `forget`: erase one buyer from everything that a workspace holds.

`buyer_traces` says what to look for, `erase_*` rewrite or remove one kind of file each,
`remaining_traces` reads every file to see what is left, and `forget_buyer` is the step. Only the
command line imports it. Modules here may import any folder of `pipeline` whose files they erase.
"""
