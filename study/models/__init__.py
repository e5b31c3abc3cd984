"""Detectors put together from torchvision's parts; arms differ in loaded tensors only."""
