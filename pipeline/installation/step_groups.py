"""The steps in the order and the groups in which `--help` lists them, with one line for each."""

from __future__ import annotations

# group -> step -> what it does. The names of its required options follow, as make names them; with
# them, a line is at most 57 characters, so that it stays one line in a terminal of 80.
GROUPS = {
    "Set up a store": {
        "init": "Make a workspace by five questions",
        "connect": "Connect a platform, and test it",
        "doctor": "Check files before you load them",
        "map": "Propose what the columns of unknown tables mean",
        "pull": "Get what is new from a database or a platform",
        "receive": "Keep what tracking services push",
        "ingest": "Load files into a workspace",
        "quarantine": "Show which rows were rejected, and why",
        "requarantine": "Load the rows that you have fixed",
        "forget": "Erase a buyer from a workspace",
        "config": "Show, check or explain the settings",
    },
    "Every night": {
        "nightly": "Load, score and list in one step",
        "fleet": "Make the nights of many stores",
        "score": "Make the list from what is loaded",
        "monitor": "Check the model and its inputs",
        "clock": "List the open disputes by deadline",
        "report": "Make the page of a night again",
        "deliver": "Send a night to its targets, each once",
        "send": "Send the released drafts, each once",
    },
    "Work on the list": {
        "board": "Show the list in a browser, and share it",
        "board-user": "Add, change or remove a user",
        "contacts": "Load a list that agents filled in",
    },
    "Rates and products": {
        "kpi": "Calculate the store's dispute rates",
        "products": "Review the products on sale",
        "candidate": "Forecast for products not yet sold",
        "compare-products": "Compare two products",
    },
    "The model": {
        "train": "Train a champion or a challenger",
        "tune": "Look for better settings for the model",
        "promote": "Make the challenger the champion, if better",
        "rollback": "Return to the previous champion",
        "features": "Write the training rows to a file",
        "describe-features": "Describe every feature",
        "leak-proof": "Check that no feature sees the future",
    },
    "What it achieves": {
        "impact": "Estimate what the lists achieved",
        "backtest": "Score past nights, measure the lists",
        "evaluate": "Compare past models with rules",
        "compare": "Compare with other learners",
        "ablation": "Measure each feature family",
        "leak-cost": "Show how leaks flatter the model",
        "rules-check": "Check past forecasts of rates",
        "notebooks": "Run the notebooks on a store",
    },
    "A simulated store": {
        "simulate": "Simulate a store",
        "world-page": "Compare the store with published figures",
        "replay": "Simulate ways to choose actions",
        "products-check": "Check reviews against true rates",
    },
}

STEPS = frozenset(name for texts in GROUPS.values() for name in texts)
