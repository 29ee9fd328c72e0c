"""The replay of actions on a simulated store: `action_seasons` runs it, `replay_actions` compares
the policies.
"""
