"""The pages Settings and Audit: what the server is, who has which role, and what was done."""
