"""Files in and out: pages of image files, TIFF, zips, PNG and label images."""
