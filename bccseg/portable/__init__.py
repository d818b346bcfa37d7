"""Weights for other programs: the network with its normalisation as ONNX, TorchScript or a BioImage.IO package."""
