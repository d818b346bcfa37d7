"""What several pages use: page frame, errors, session, settings, storage."""
