"""English."""

ENGLISH: dict[str, str] = {
    # what is said of one comparison
    "compare.clear": (
        "{title} differs between {a} and {b}: samples of {b} have {size}{interval}; {test}, n = {na} and {nb} samples, "
        "{p}."
    ),
    "compare.unclear": (
        "{title}: no clear difference between {a} and {b}. Samples of {b} have {size}{interval}; {test}, n = {na} and "
        "{nb} samples, {p}. This does not show that they are the same."
    ),
    "compare.untested": "{title}: samples of {b} have {size} than those of {a}{interval}; n = {na} and {nb}, not tested.",  # noqa: E501
    "compare.same": "{title} is the same in all samples.",
    "compare.missing": "{title} is not known for samples of {group}.",
    "compare.several_clear": "{title} differs between the {k} groups ({test}, {p}): it is {highest} in {top} and {lowest} in {bottom} on average.",  # noqa: E501
    "compare.several_unclear": "{title}: no clear difference between the {k} groups ({test}, {p}). This does not show that they are the same.",  # noqa: E501
    "compare.several_untested": "{title}: {list}; not tested.",
    "compare.more": "{value} more on average",
    "compare.less": "{value} less on average",
    "compare.equal": "the same on average",
    "compare.points": "percentage points",
    "compare.percent": " ({percent} %)",
    "compare.interval": " (95 % interval of the difference: {low} to {high})",
    "p.corrected": "p = {p} after correction for {tested} measures",
    "p.corrected_small": "p < 0.001 after correction for {tested} measures",
    "p.alone": "p = {p}",
    "p.alone_small": "p < 0.001",
    "test.Mann-Whitney U": "Mann-Whitney U test",
    "test.Kruskal-Wallis": "Kruskal-Wallis test",
    "test.permutation": "permutation test",
    # all measures in one sentence
    "overall.some": "{k} of {tested} measures differ clearly between {groups}: {list}.",
    "overall.some.one": "One of {tested} measures differs clearly between {groups}: {list}.",
    "overall.none": "None of the {tested} measures differs clearly between {groups}; that does not show that the groups are the same.",  # noqa: E501
    "overall.none.one": "The measure does not differ clearly between {groups}; that does not show that the groups are the same.",  # noqa: E501
    "overall.untested": "The groups {groups} are described, not tested: too few samples.",
    "overall.higher": "{title} (larger in {group})",
    "overall.differs": "{title}",
    # what to know
    "concern.too_few": "Group {group} has {n} samples with images. A test needs {needed} in each group, so nothing is tested here; add samples, not images of the same ones.",  # noqa: E501
    "concern.few": "Group {group} has {n} samples only. Only large differences can be seen with so few, and a single sample can change the picture.",  # noqa: E501
    "concern.p_bound": "With these numbers of samples no p value can be smaller than {p}; corrected for {tested} measures none can be below 0.05. Choose fewer measures beforehand, or add samples.",  # noqa: E501
    "concern.crowded": "{percent} % of the images of group {group} are too crowded to be counted. Numbers, densities and sizes of this group cannot be trusted; take thinner parts of the smears.",  # noqa: E501
    "concern.flags_differ": "In {group} {percent} % of the cells are flagged (joined or out of focus), in {other} {other_percent} %. A difference between them may come from the pictures; compare without flagged cells, too.",  # noqa: E501
    "concern.no_scale": "No image has a pixel size. Sizes are in px and can be compared only if all images were taken at the same magnification; there is no density.",  # noqa: E501
    "concern.some_scale": "{count} of {images} images have no pixel size. They are left out of sizes and densities.",
    "concern.one_image": "Each sample has one image. How much fields of one sample differ is not known.",
    "concern.unsorted": "{count} images belong to no sample or group and are not compared.",
}
