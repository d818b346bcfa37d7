"""Networks, weight files and inference. The only floor that imports torch besides `train`."""
