"""What people open outside the program: the columns of the contact list, workbooks, and text made
safe for spreadsheets and the terminal. Every other folder of `pipeline` may import from here. This
folder imports only `models.contact`, for the names of the actions.
"""
