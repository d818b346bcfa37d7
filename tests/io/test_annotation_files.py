"""Small files of every format, written by hand as their documentation shows them."""

import base64
import io
import json
from contextlib import suppress

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pycocotools import mask as coco_mask
from scipy import ndimage as ndi
from shapely.geometry import Polygon

from bccseg.errors import DataError
from bccseg.imaging.label_image import areas
from bccseg.imaging.outlines import cell_outlines
from bccseg.io.annotation_files.coco import run_length_mask
from bccseg.io.annotation_files.label_studio import image_name, read_label_studio
from bccseg.io.annotation_files.objects import AnnotatedObject, draw_objects, fill_rings
from bccseg.io.annotation_files.read import read_annotation_json
from bccseg.io.annotation_files.yolo import looks_like_yolo, names_of_list, names_of_yaml, read_yolo

SHAPE = (30, 40)
SQUARE = [[10, 5], [20, 5], [20, 15], [10, 15]]  # x, y: 10 x 10 px


def read(value, stem="a"):
    return read_annotation_json(json.dumps(value).encode(), stem)


def only(value, shape=SHAPE):
    """The one object of a file: its pixels and itself."""
    (image,) = read(value).images
    labels, (one,) = draw_objects(image.objects, shape)
    return labels, one


def is_square(labels):
    return areas(labels)[1] == 100 and (labels[5:15, 10:20] == 1).all()


def coco(annotation, **more):
    return {
        "images": [{"id": 7, "file_name": "a.png", "width": 40, "height": 30}],
        "categories": [{"id": 3, "name": "RBC"}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "iscrowd": 0, **annotation}], **more,
    }  # fmt: skip


def test_coco_polygons_run_lengths_and_boxes():
    labels, one = only(coco({"segmentation": [[x for point in SQUARE for x in point]]}))
    assert is_square(labels)
    assert (one.name, one.by, one.score) == ("RBC", "person", None)
    mask = np.zeros(SHAPE, np.uint8, order="F")
    mask[5:15, 10:20] = 1
    packed = coco_mask.encode(mask)
    packed["counts"] = packed["counts"].decode()
    assert is_square(only(coco({"segmentation": packed, "iscrowd": 1}))[0])
    plain = {"size": [30, 40], "counts": [10 * 30 + 5, 10, *[20, 10] * 9, 30 * 40 - (19 * 30 + 15)]}
    assert is_square(only(coco({"segmentation": plain, "iscrowd": 1}))[0])
    labels, one = only(coco({"bbox": [10, 5, 10, 10], "segmentation": []}))
    assert areas(labels)[1] == 80  # pixels whose centres lie in the circle of diameter 10
    assert one.box.tolist() == [10, 5, 20, 15]


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, (9, 13), elements=st.integers(0, 1)))
def test_packed_run_lengths_are_those_of_pycocotools(mask):
    packed = coco_mask.encode(np.asfortranarray(mask))
    assert (run_length_mask({"size": packed["size"], "counts": packed["counts"].decode()}, "") == mask).all()


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"annotations": [{"id": 1, "image_id": 9}]}, "belongs to no image"),
        ({"annotations": {}}, "must be lists"),
        ({"images": [{"id": 1}]}, "no id or file_name"),
        ({"annotations": [{"id": 1, "image_id": 7, "segmentation": [["a", "b"]]}]}, "not made of x and y"),
        ({"annotations": [{"image_id": 7, "segmentation": {"size": [30, 40], "counts": "~~"}}]}, "run lengths"),
        ({"annotations": [{"image_id": 7, "segmentation": {"size": [30, 40], "counts": [5]}}]}, "run lengths"),
        ({"annotations": [{"id": 5, "image_id": 7, "bbox": [1, 2, 0, 4]}]}, "Annotation 5 .* box"),
        ({"annotations": [{"id": 5, "image_id": []}]}, "damaged"),
    ],
)  # fmt: skip
def test_damaged_coco_files_say_what_is_wrong(broken, words):
    with pytest.raises(DataError, match=words):
        read(coco({}) | broken)


def feature(geometry, **properties):
    return {"type": "Feature", "geometry": geometry, "properties": {"objectType": "annotation", **properties}}


def polygon(*rings):
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]] for ring in rings]}


def test_geojson_as_qupath_writes_it():
    file = read({"type": "FeatureCollection", "features": [
        feature(polygon(SQUARE), classification={"name": "WBC", "color": [10, 200, 30]}),
        feature({"type": "Point", "coordinates": [1, 1]}, classification={"name": "WBC"}),
    ]}, "smear 1.2")  # fmt: skip
    (image,) = file.images
    assert image.file_name == "smear 1.2"
    labels, (one,) = draw_objects(image.objects, SHAPE)
    assert is_square(labels)
    assert one.name == "WBC"
    assert file.classes["WBC"].colour == "#0AC81E"
    older = feature(polygon(SQUARE), classification={"name": "Tumor", "colorRGB": -3670016})
    assert read([older]).classes["Tumor"].colour == "#C80000"
    assert only(feature(polygon(SQUARE), classification={"names": ["Blood", "RBC"]}))[1].name == "Blood: RBC"
    assert only(feature(polygon(SQUARE)))[1].name == ""
    whole = feature(polygon(SQUARE), name="cell 7, whole outline (estimated)")
    assert read([whole, feature(polygon(SQUARE), name="cell 7")]).images[0].objects[1:] == []
    bare = feature(polygon(SQUARE))
    bare["properties"] = None
    assert is_square(only(bare)[0])


def test_holes_and_several_parts():
    hole = [[13, 8], [17, 8], [17, 12], [13, 12]]
    labels, _ = only(feature(polygon(SQUARE, hole)))
    assert areas(labels)[1] == 100 - 16
    far = [[30, 20], [33, 20], [33, 23], [30, 23]]
    parts = {"type": "MultiPolygon", "coordinates": [[[*SQUARE, SQUARE[0]]], [[*far, far[0]]]]}
    assert is_square(only(feature(parts))[0])  # of several pieces the largest is the cell


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"type": "FeatureCollection"}, "no list"), ({"type": "Feature"}, "no geometry"),
        (feature({"type": "Polygon", "coordinates": [[[0]]]}), "x and y"),
        (feature({"type": "Polygon", "coordinates": []}), "no coordinates"),
        (feature({"type": "MultiPolygon", "coordinates": 5}), "no coordinates"),
    ],
)  # fmt: skip
def test_damaged_geojson_says_what_is_wrong(value, words):
    with pytest.raises(DataError, match=words):
        read(value)


def labelme(*shapes, **more):
    return {"version": "5.5.0", "imagePath": "dir\\a.png", "imageHeight": 30, "imageWidth": 40, "shapes": [*shapes],
            **more}  # fmt: skip


def shape(kind, points, **more):
    return {"label": "platelets", "points": points, "group_id": None, "shape_type": kind, "flags": {}, **more}


def test_labelme_shapes():
    labels, one = only(labelme(shape("polygon", SQUARE)))
    assert is_square(labels)
    assert one.name == "platelets"
    assert read(labelme(shape("polygon", SQUARE))).images[0].size == SHAPE
    labels, one = only(labelme(shape("rectangle", [[20, 15], [10, 5]])))
    assert one.box.tolist() == [10, 5, 20, 15]
    labels, _ = only(labelme(shape("circle", [[15, 15], [15, 20]])))
    assert areas(labels)[1] == pytest.approx(np.pi * 25, abs=6)
    buffer = io.BytesIO()
    Image.fromarray(np.full((10, 10), 255, np.uint8)).save(buffer, "PNG")
    png = base64.b64encode(buffer.getvalue()).decode()
    assert is_square(only(labelme(shape("mask", [[10, 5], [20, 15]], mask=png)))[0])
    assert read(labelme(shape("point", [[1, 1]]), shape("line", [[1, 1], [2, 2]]))).images[0].objects == []
    assert read(labelme(imagePath=None), "smear").images[0].file_name == "smear"


@pytest.mark.parametrize(
    "wrong",
    [shape("circle", [[1, 1]]), shape("polygon", "x"), shape("mask", [[10, 5], [20, 15]], mask="?"), "no shape",
     shape("mask", [[39, 29], [49, 39]], mask="iVBORw0KGgo=")],
)  # fmt: skip
def test_damaged_labelme_files_say_what_is_wrong(wrong):
    with pytest.raises(DataError, match="Shape 2 of the LabelMe file"):
        read(labelme(shape("polygon", SQUARE), wrong))


def test_yolo_boxes_and_outlines():
    outline = " ".join(f"{(x + 12) / 40} {y / 30}" for x, y in SQUARE)
    (image,) = read_yolo(f"1 0.375 0.3333333 0.25 0.3333333\n\n0 {outline}\n".encode(), {0: "RBC"}, "a").images
    labels, (box, ring) = draw_objects(image.objects, SHAPE)
    assert (box.name, ring.name) == ("class 1", "RBC")
    assert areas(labels)[1:].tolist() == [80, 100]
    assert (labels[5:15, 22:32] == 2).all()
    assert draw_objects(read_yolo(b"0 0.5 0.5 0.5 0.5 0.9", {}, "a").images[0].objects, SHAPE)[1][0].box is not None
    assert read_yolo(b"", {}, "a").images[0].objects == []
    assert names_of_list(b"RBC\nWBC\r\n\n") == {0: "RBC", 1: "WBC"}
    for text in ("names: [RBC, WBC]", "nc: 2\nnames:\n  0: RBC\n  1: WBC", "names:\n- RBC\n- WBC"):
        assert names_of_yaml(text.encode()) == {0: "RBC", 1: "WBC"}
    assert names_of_yaml(b"train: images/train") == {}
    assert looks_like_yolo(b"\n0 0.5 0.5 0.1 0.1")
    assert not looks_like_yolo(b"This is the readme.")


@pytest.mark.parametrize(
    "line", ["0 0.5 0.5 0.1", "red 0.5 0.5 0.1 0.1", "0 0.5 0.5 0 0.1", "0 nan 0 1 1", "0 9 9 9 9"]
)
def test_damaged_yolo_files_name_the_line(line):
    with pytest.raises(DataError, match="Line 2 is neither"):
        read_yolo(f"0 0.5 0.5 0.1 0.1\n{line}".encode(), {}, "a")
    with pytest.raises(DataError, match="no text"):
        read_yolo(b"\xff\xfe\x00", {}, "a")
    with pytest.raises(DataError, match="YAML"):
        names_of_yaml(b"names: [")


def task(*results, key="annotations", image="/data/upload/1/1a2b3c4d-a.png", **more):
    return {"id": 1, "data": {"image": image}, key: [{"id": 5, "result": [*results], "was_cancelled": False}], **more}


def region(kind, value, **more):
    return {"type": kind, "from_name": "label", "to_name": "image", "original_width": 40, "original_height": 30,
            "value": {**value, kind: ["RBC"]}, **more}  # fmt: skip


PERCENT = [[x / 40 * 100, y / 30 * 100] for x, y in SQUARE]
BOX = {"x": 25, "y": 100 / 6, "width": 25, "height": 100 / 3, "rotation": 0}


def test_label_studio_regions():
    choice = {"type": "choices", "value": {"choices": ["good"]}}
    labels, one = only([task(region("polygonlabels", {"points": PERCENT}), choice)])
    assert is_square(labels)
    assert (one.name, one.by) == ("RBC", "person")
    labels, one = only([task(region("rectanglelabels", BOX))])
    assert np.allclose(one.box * [40, 30, 40, 30], [10, 5, 20, 15])
    round_one = {"x": 37.5, "y": 100 / 3, "radiusX": 12.5, "radiusY": 100 / 6, "rotation": 0}
    circle = only([task(region("ellipselabels", round_one))])[0]
    assert areas(circle)[1] == areas(labels)[1]
    turned = {**BOX, "x": 50, "rotation": 90}  # about its corner (20, 5), so that it lies left of it: 10..20
    labels, _ = only([task(region("rectanglelabels", turned))])
    rows, cols = np.nonzero(labels)
    assert (cols.min(), cols.max(), rows.min(), rows.max()) == (10, 19, 5, 14)


def test_label_studio_brush_strokes():
    """The stream written bit by bit as thi.ng/rle-pack describes it."""

    def block(value, length):  # a value that repeats, in the largest size of length
        return f"1{3:02b}{length - 1:016b}{value:08b}"

    head = f"{4 * 3 * 8:032b}{7:05b}{2:04b}{3:04b}{7:04b}{15:04b}"
    # 3 rows of 8 pixels, RGBA: 5 transparent, 14 opaque (the first four values one by one), 5 transparent.
    single = f"0{0:02b}{3:03b}" + "".join(f"{v:08b}" for v in (0, 0, 0, 255))
    bits = head + block(0, 20) + single + block(255, 13 * 4) + block(0, 20)
    rle = [int(bits[k : k + 8].ljust(8, "0"), 2) for k in range(0, len(bits), 8)]
    stroke = region("brushlabels", {"format": "rle", "rle": rle}, original_width=8, original_height=3)
    labels, one = only([task(stroke)], (3, 8))
    assert labels.ravel().tolist() == [0] * 5 + [1] * 14 + [0] * 5
    assert one.name == "RBC"
    for broken in (rle[:-8], [300], "x", rle[4:]):
        wrong = region("brushlabels", {"format": "rle", "rle": broken}, original_width=8, original_height=3)
        with pytest.raises(DataError, match="brush stroke"):
            read([task(wrong)])
    with pytest.raises(DataError, match="8 x 3 px, the image 40 x 30 px"):
        only([task(stroke)])


def test_of_a_task_the_last_annotation_counts_or_else_a_prediction():
    polygon_of = lambda k: region("polygonlabels", {"points": PERCENT[:3]}, score=k / 10)  # noqa: E731
    both = task(polygon_of(1)) | {"predictions": [{"result": [polygon_of(2), polygon_of(3)]}]}
    again = {"result": [polygon_of(1), polygon_of(1), polygon_of(1)]}
    both["annotations"] += [again, {"was_cancelled": True, "result": []}]
    (image,) = read_label_studio(both).images
    assert (len(image.objects), image.predicted, image.objects[0].score) == (3, False, None)
    (image,) = read_label_studio(task(polygon_of(4), key="predictions")).images
    assert (image.predicted, image.objects[0].by, image.objects[0].score) == (True, "network", 0.4)


def test_the_short_form_of_label_studio():
    regions = [{"points": PERCENT, "polygonlabels": ["RBC"], "original_width": 40, "original_height": 30}, {**BOX}]
    short = {"id": 1, "image": "/data/upload/1/1a2b3c4d-a.png", "annotation_id": 7, "label": regions}
    (image,) = read([short]).images
    assert (image.file_name, image.predicted) == ("1a2b3c4d-a.png", False)
    assert [one.name for one in image.objects] == ["RBC", ""]
    assert is_square(draw_objects(image.objects[:1], SHAPE)[0])


def test_names_of_images_in_tasks():
    assert image_name("/data/upload/3/1a2b3c4d-smear%201.png") == "1a2b3c4d-smear 1.png"
    assert image_name("/data/local-files/?d=train/images/a.png") == "train/images/a.png"
    assert image_name("s3://bucket/dir/a.png") == "a.png"
    with pytest.raises(DataError, match="Task 1 of the Label Studio file names no image"):
        read([{"data": {"text": "hello"}}])


WHOLE_FILES = [
    coco({"segmentation": [[x for point in SQUARE for x in point]]}),
    coco({"segmentation": {"size": [30, 40], "counts": [305, 10, 885]}}), coco({"bbox": [10, 5, 10, 10]}),
    {"type": "FeatureCollection", "features": [feature(polygon(SQUARE), classification={"name": "a", "color": [1]})]},
    labelme(*(shape(kind, SQUARE[:2]) for kind in ("circle", "rectangle", "mask")), shape("polygon", SQUARE)),
    [task(region("polygonlabels", {"points": PERCENT}), region("rectanglelabels", {**BOX, "rotation": 5}))],
    [task(region("brushlabels", {"rle": [0, 0, 0, 1, 2]}), key="predictions")],
]  # fmt: skip
JUNK = st.sampled_from([None, -1, 0, 3, 10**400, 1e308, -2.5, True, "", "x", "a/b\\c", [], {}, [[]], [1], [["x", 2]]])


def places(value, at=()):
    """The way to every value inside a JSON value."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*at, key))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_file_is_read_or_told(data):
    value = json.loads(json.dumps(data.draw(st.sampled_from(WHOLE_FILES))))
    *way, last = data.draw(st.sampled_from([place for place in places(value) if place]))
    inner = value
    for key in way:
        inner = inner[key]
    inner[last] = data.draw(JUNK)
    with suppress(DataError):
        file = read(value)
        for image in file.images if file else []:
            labels, objects = draw_objects(image.objects, SHAPE)
            assert labels.max() == len(objects)


def test_what_is_no_annotation_file():
    assert read({"hello": 1}) is None
    assert read([]) is None
    for data in (b"{", b"\xff", b""):
        with pytest.raises(DataError, match="read as JSON"):
            read_annotation_json(data, "a")


@settings(max_examples=60, deadline=None)
@given(arrays(np.int32, (14, 16), elements=st.integers(0, 2)))
def test_outlines_drawn_again_are_the_cells(values):
    """Of blocks of 4 x 4 px, whose largest pieces are large enough to be cells; holes are filled by outlines."""
    blocks = np.kron(values, np.ones((4, 4), np.int32))
    pieces, count = ndi.label(blocks == 1)
    whole = np.zeros_like(pieces)
    for k in range(1, count + 1):
        whole[ndi.binary_fill_holes(pieces == k)] = k
    rings = [ring for _, ring in cell_outlines(whole)]
    labels, objects = draw_objects([AnnotatedObject(parts=((ring,),)) for ring in rings], whole.shape)
    assert len(objects) == len(rings)
    assert ((labels > 0) == (whole > 0)).all()
    assert {(a, b) for a, b in zip(labels.ravel(), whole.ravel(), strict=True) if a} == {
        (k + 1, cell) for k, cell in enumerate(np.unique(whole[whole > 0]))
    }


eighths = st.integers(-20, 120).map(lambda k: k / 8)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(eighths, eighths), min_size=3, max_size=8, unique=True))
def test_pixels_are_inside_where_shapely_says_so(points):
    ring = Polygon(points)
    assume(ring.is_valid)
    x, y = np.meshgrid(np.arange(13) + 0.5, np.arange(11) + 0.5)
    clear = shapely.distance(ring.exterior, shapely.points(x, y)) > 1e-9  # what lies on the line may be either
    inside = fill_rings([np.array(points)], x.shape)
    assert np.array_equal(inside[clear], shapely.contains_xy(ring, x, y)[clear])


def test_the_smaller_object_lies_in_front_and_crumbs_are_dropped():
    small = [[13, 8], [17, 8], [17, 12], [13, 12]]
    crumb = [[30, 20], [32, 20], [32, 22], [30, 22]]
    rings = [np.array(ring, float) for ring in (small, crumb, SQUARE)]
    labels, objects = draw_objects([AnnotatedObject(str(k), ((ring,),)) for k, ring in enumerate(rings)], SHAPE)
    assert [one.name for one in objects] == ["0", "2"]
    assert areas(labels).tolist()[1:] == [16, 84]
    assert draw_objects([], SHAPE)[0].max() == 0
    outside = AnnotatedObject(parts=((np.array(SQUARE, float) + 100,),))
    assert draw_objects([outside], SHAPE)[1] == []
    assert draw_objects([AnnotatedObject(box=np.array([-9.0, -9, -2, -2]))], SHAPE)[1] == []
