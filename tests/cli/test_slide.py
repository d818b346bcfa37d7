import pandas as pd

from bccseg.cli import main
from bccseg.imaging.synthetic import draw_smear
from tests.slides.slide_files import write_svs


def test_slide_from_the_command_line(tmp_path, capsys):
    image, truth = draw_smear((500, 640), cells=30, diameter_px=56, seed=3, touching=False)
    out = tmp_path / "out"
    command = ["slide", str(write_svs(tmp_path / "a.svs", image)), "--out", str(out), "--device", "cpu"]
    assert main([*command, "--regions", "all"]) == 0
    said = capsys.readouterr().err
    assert "640 x 500 px" in said
    assert "[1/1]" in said
    summary = pd.read_csv(out / "summary.csv")
    assert summary["region"].tolist() == ["Whole slide"]
    assert summary["cell_count"].tolist() == [int(truth.max())]
    assert summary["count_white"].tolist() == [1]
    assert {p.name for p in out.iterdir()} >= {"cells.csv", "overview.png", "density.png", "labels.ome.zarr", "geojson"}
    assert main([*command, "--regions", "all"]) == 0  # all is done already
    assert main([*command, "--regions", "auto"]) == 2
    assert "Choose another folder" in capsys.readouterr().err
    assert main(["slide", str(tmp_path / "none.svs"), "--out", str(out)]) == 1
    assert "no file" in capsys.readouterr().err
