"""How good is a pack? Retrieval, zero-shot and classification on labelled shards."""
