"""Labels made by people: edit commands, drafts, the store, review, datasets and their sync. Never imports torch."""
