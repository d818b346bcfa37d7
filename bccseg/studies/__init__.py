"""Studies: images with samples and groups, kept on a disk that several people share."""
