"""The photos on disk and what is known of them: scan, identify, decode, store, index."""
