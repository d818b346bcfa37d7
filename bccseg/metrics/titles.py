"""What people call the metrics of `matching.summarise_scores`; the order is that of tables."""

METRIC_TITLES = {
    "f1": "F1 at IoU 0.5",
    "ap50": "AP50",
    "pq": "PQ",
    "dice_inner": "Dice off the border",
    "dice": "Dice",
    "iou": "IoU",
    "dice_pooled": "Dice, all pixels together",
    "iou_pooled": "IoU, all pixels together",
    "boundary_px": "Outline distance (px)",
    "count_error": "Count error",
    "count_bias": "Count bias",
}
LOWER_IS_BETTER = ("boundary_px", "count_error")
