"""Who may do what on a server that several people share: modes, roles, and a log of what was done."""
