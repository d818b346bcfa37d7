"""How good a segmentation is: matching, kinds of errors, intervals, calibration, agreement."""
