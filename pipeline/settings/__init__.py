"""Settings and platform policies as checked data, message languages, and the errors for users.

Every folder of `pipeline` may import from here. This folder may import from `features`,
`features.indicators`, `models.contact` and `models.learner`, and from no other folder of
`pipeline`.
"""
