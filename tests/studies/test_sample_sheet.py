"""Tables of samples: CSV and XLSX as labs have them, their columns guessed, their rows matched."""

import io

import pytest
from openpyxl import Workbook

from bccseg.errors import DataError
from bccseg.studies.sample_sheet import Mapping, guess_mapping, match_table, read_table
from tests.studies.conftest import entries


def workbook(rows):
    book, file = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"Patient,Group,Age\nA,control,34\n\nB,treated,5.5\n",
        "\ufeffPatient;Group;Age\r\nA;control;34\r\nB;treated;5.5\r\n".encode(),
        "Patient\tGroup\tAge\nA\tcontrol\t34\nB\ttreated\t5.5".encode("utf-16"),
        workbook([["Patient", "Group", "Age"], ["A", "control", 34.0], [None], ["B", "treated", 5.5]]),
    ],
    ids=["csv", "semicolons", "utf-16", "xlsx"],
)
def test_tables_are_read_as_they_come(data):
    table = read_table("t", data)
    assert table.to_dict("list") == {"Patient": ["A", "B"], "Group": ["control", "treated"], "Age": ["34", "5.5"]}
    assert guess_mapping(table) == Mapping("", "Patient", "Group", ("Age",))


def test_dates_and_odd_headings():
    from datetime import datetime

    table = read_table("t.xlsx", workbook([["id", "day", None, "day"], [1, datetime(2026, 5, 3), "x", True]]))
    assert list(table) == ["id", "day", "column 3", "day (4)"]
    assert table.iloc[0].tolist() == ["1", "2026-05-03", "x", "True"]
    assert guess_mapping(table).free == ("day", "day (4)")


@pytest.mark.parametrize("data", [b"", b"only,a,heading\n", b"\x00\x01\x02\n\x00", b"PK\x03\x04nonsense"])
def test_what_is_no_table_is_told(data):
    with pytest.raises(DataError):
        read_table("t.csv", data)


def test_rows_of_images_put_them_into_samples(study):
    study.images.add(entries("run1/IMG_1.png", "run1/IMG_2.png", "run2/IMG_2.png"))
    table = read_table("t", b"file,patient,group,stain\nimg_1,A,control,Giemsa\nrun2/IMG_2.png,B,,\nIMG_2.png,C,,\n")
    match = match_table(table, guess_mapping(table), study.images.all(), study.samples.all())
    assert (match.images, match.samples_before, match.unknown) == (2, 0, ["IMG_2.png"]), "IMG_2.png is two images"
    study.samples.take(match.rows)
    assert [(i.sample, i.group) for i in study.images.all()] == [("A", "control"), ("run1", ""), ("B", "")]
    assert study.samples.all()[2].free == {"stain": "Giemsa"}


def test_two_rows_that_disagree_are_told(study):
    study.samples.add("A", "control")
    table = read_table("t", b"sample,group\nA,control\na,treated\nZ,\n")
    match = match_table(table, guess_mapping(table), [], study.samples.all())
    assert match.conflicts == ["A: group is 'control' and 'treated'"]
    assert (match.samples_before, match.unknown) == (1, ["Z"])
    with pytest.raises(DataError, match="which column"):
        match_table(table, Mapping(), [], [])
