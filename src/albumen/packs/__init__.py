"""A model at run time: a folder with a manifest, ONNX towers and a tokenizer. No PyTorch here."""
