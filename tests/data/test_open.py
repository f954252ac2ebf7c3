"""open_dataset finds out what lies at a path; each kind is written as its own tools lay it out."""

import json

import numpy as np
import pytest
import soundfile
import yaml
from writing import picture, write_picture, write_text

import covary
from covary.data import Arrays, HuggingFaceDataset, Items, open_dataset

XML = (
    "<annotation><object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox>"
    "</object></annotation>"
)


def pictures(root, *names):
    for number, name in enumerate(names):
        write_picture(root / name, number)


def texts(root, content, *names):
    for name in names:
        write_text(root / name, content)


def sound(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, np.zeros(800, np.float32) + 0.1, 8000)


def coco(names):
    return json.dumps(
        {
            "info": {},
            "images": [{"id": at, "file_name": name} for at, name in enumerate(names)],
            "annotations": [
                {"id": at, "image_id": at, "category_id": 1, "bbox": [1, 1, 2, 2]} for at in range(len(names))
            ],
            "categories": [{"id": 1, "name": "cat"}],
        }
    )


def class_folders(root):
    pictures(root, "cat/1.jpg", "dog/2.jpg")
    texts(root, "nothing", "README.md", "notes.csv")


def split_folders(root):
    pictures(root, "train/cat/1.jpg", "val/dog/2.jpg")


def mask_folders(root):
    pictures(root, "images/1.jpg", "images/2.jpg", "masks/1.png", "masks/2.png")


def masks_in_labels(root):
    pictures(root, "images/train/1.jpg", "images/val/2.jpg", "labels/train/1.png", "labels/val/2.png")


def masks_beside(root):
    pictures(root, "1.jpg", "1_mask.png", "2.jpg", "2_mask.png")


def yolo(root):
    pictures(root, "images/train/1.jpg", "images/val/2.jpg")
    texts(root, "0 0.5 0.5 0.5 0.5\n", "labels/train/1.txt", "labels/val/2.txt")
    described = {"path": str(root), "train": "images/train", "val": "images/val", "names": ["cat"]}
    write_text(root / "data.yaml", yaml.safe_dump(described))


def yolo_bare(root):
    yolo(root)
    (root / "data.yaml").unlink()


def voc(root):
    pictures(root, "JPEGImages/1.jpg", "JPEGImages/2.jpg")
    texts(root, XML, "Annotations/1.xml", "Annotations/2.xml")


def voc_flat(root):
    pictures(root, "train/1.jpg", "valid/2.jpg")
    texts(root, XML, "train/1.xml", "valid/2.xml")


def coco_folder(root):
    pictures(root, "train2017/1.jpg", "val2017/2.jpg")
    write_text(root / "annotations/instances_train2017.json", coco(["1.jpg"]))
    write_text(root / "annotations/instances_val2017.json", coco(["2.jpg"]))
    texts(root, coco(["1.jpg"]), "annotations/captions_train2017.json", "annotations/person_keypoints_val2017.json")


def coco_exported(root):
    for part in ("train", "valid"):
        pictures(root, f"{part}/1.jpg")
        write_text(root / part / "_annotations.coco.json", coco(["1.jpg"]))


def table(root):
    pictures(root, "pictures/1.jpg", "pictures/2.jpg")
    write_text(root / "labels.csv", "path,label,split\npictures/1.jpg,cat,train\npictures/2.jpg,dog,test\n")


def metadata(root):
    for part in ("train", "test"):
        pictures(root, f"{part}/1.jpg")
        write_text(root / part / "metadata.jsonl", json.dumps({"file_name": "1.jpg", "label": part}) + "\n")


def text_tables(root):
    for part in ("train", "dev"):
        write_text(root / f"{part}.jsonl", json.dumps({"text": part, "label": "a"}) + "\n")


def audio(root):
    sound(root, "dog/1.wav", "cat/2.wav")


def nemo(root):
    sound(root, "a.wav")
    for part in ("train", "test"):
        row = {"audio_filepath": "a.wav", "duration": 0.05, "text": part}
        write_text(root / f"{part}_manifest.json", json.dumps(row) + "\n" + json.dumps({**row, "offset": 0.05}) + "\n")


def common_voice(root):
    sound(root, "clips/a.mp3")
    for part in ("train", "dev", "validated", "other"):
        write_text(root / f"{part}.tsv", "path\tsentence\tage\na.mp3\tyes\t\n")


def unpacked_archive(root):
    class_folders(root)
    texts(root, "nothing", "photos.tar.gz", "cat/notes.xml")


def text_folders(root):
    texts(root, "good", "pos/1.txt", "neg/2.txt")


def text_lines(root):
    texts(root, "a line\n", "train.txt", "test.txt")


KINDS = {
    class_folders: ("ImageFolder", 2, {"image", "label"}),
    split_folders: ("ImageFolder", 2, {"image", "label"}),
    mask_folders: ("MaskPairs", 2, {"image", "mask"}),
    masks_in_labels: ("MaskPairs", 2, {"image", "mask"}),
    masks_beside: ("MaskPairs", 2, {"image", "mask"}),
    yolo: ("YoloDataset", 2, {"image", "objects"}),
    yolo_bare: ("YoloDataset", 2, {"image", "objects"}),
    voc: ("VocDataset", 2, {"image", "objects"}),
    voc_flat: ("VocDataset", 2, {"image", "objects"}),
    coco_folder: ("CocoDataset", 2, {"image", "objects"}),
    coco_exported: ("CocoDataset", 2, {"image", "objects"}),
    table: ("TableDataset", 2, {"image", "label"}),
    metadata: ("TableDataset", 2, {"image", "label"}),
    text_tables: ("TableDataset", 2, {"text", "label"}),
    audio: ("AudioFolder", 2, {"audio", "rate", "label"}),
    nemo: ("TableDataset", 4, {"audio", "rate", "text"}),
    common_voice: ("TableDataset", 2, {"audio", "rate", "text", "age"}),
    unpacked_archive: ("ImageFolder", 2, {"image", "label"}),
    text_folders: ("TextFolder", 2, {"text", "label"}),
    text_lines: ("TextLines", 2, {"text"}),
}


@pytest.mark.parametrize("write", KINDS)
def test_folders_tell_what_they_are(tmp_path, write):
    root = tmp_path / "set"
    write(root)
    kind, count, fields = KINDS[write]
    dataset = open_dataset(root)
    assert type(dataset).__name__ == kind
    assert len(dataset) == count
    for index in range(count):
        assert set(dataset.read(index)) == fields
    assert len(set(dataset.keys)) == count


@pytest.mark.parametrize(
    "write",
    (
        split_folders,
        masks_in_labels,
        yolo,
        voc_flat,
        coco_folder,
        coco_exported,
        table,
        metadata,
        text_tables,
        text_lines,
    ),
)
def test_a_part_keeps_its_keys(tmp_path, write):
    write(tmp_path / "set")
    whole = open_dataset(tmp_path / "set")
    names = set(whole.splits)
    assert len(names) == 2 and "train" in names
    for name in names:
        part = open_dataset(str(tmp_path / "set"), split=name)
        assert list(part.keys) == [key for key, split in zip(whole.keys, whole.splits, strict=True) if split == name]
        part.read(0)
    with pytest.raises(ValueError, match="split='extra'"):
        open_dataset(tmp_path / "set", split="extra")


def test_files_tell_what_they_are(tmp_path):
    yolo(tmp_path / "y")
    coco_folder(tmp_path / "c")
    table(tmp_path / "t")
    write_text(tmp_path / "lines.txt", "a\nb\n")
    write_text(tmp_path / "rows.json", json.dumps([{"text": "x"}]))
    found = [
        open_dataset(tmp_path / name)
        for name in ("y/data.yaml", "c/annotations/instances_val2017.json", "t/labels.csv", "lines.txt", "rows.json")
    ]
    kinds = ["YoloDataset", "CocoDataset", "TableDataset", "TextLines", "TableDataset"]
    assert [type(each).__name__ for each in found] == kinds
    several = open_dataset([tmp_path / "lines.txt", tmp_path / "lines.txt"], format="text")
    assert len(several) == 4


def test_parquet_and_saved_data_sets(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow has no wheel for this platform")
    datasets = pytest.importorskip("datasets", reason="`datasets` has no wheel for this platform")
    data = write_picture(tmp_path / "a.png")
    theirs = datasets.Dataset.from_dict({"image": [{"bytes": data, "path": None}] * 3, "label": [0, 1, 0]})
    theirs = theirs.cast_column("image", datasets.Image())
    (tmp_path / "p" / "data").mkdir(parents=True)
    theirs.to_parquet(str(tmp_path / "p" / "data" / "train-00000-of-00001.parquet"))
    theirs.select([1]).to_parquet(str(tmp_path / "p" / "data" / "test-00000-of-00001.parquet"))
    theirs.save_to_disk(str(tmp_path / "saved"))
    for source in (tmp_path / "p", tmp_path / "saved", theirs, datasets.DatasetDict({"train": theirs})):
        dataset = open_dataset(source)
        assert isinstance(dataset, HuggingFaceDataset)
        assert dataset.read(0)["image"].data == data
    assert len(open_dataset(tmp_path / "p", split="test")) == 1
    parquet.write_table(datasets.Dataset.from_dict({"text": ["x"]}).data.table, tmp_path / "t.parquet")
    assert open_dataset(tmp_path / "t.parquet").read(0) == {"text": "x"}


def test_tar_shards(tmp_path):
    (tmp_path / "shards").mkdir()
    covary.data.WebDataset  # noqa: B018
    from covary.data.webdataset import WebDataset, write_shard

    for number in range(2):
        sample = {"__key__": f"s{number}", "png": write_picture(tmp_path / "x.png")}
        write_shard(tmp_path / "shards" / f"train-{number:03}.tar", [sample])
    for source in (
        tmp_path / "shards",
        str(tmp_path / "shards" / "train-{000..001}.tar"),
        str(tmp_path / "shards" / "train-*.tar"),
        sorted((tmp_path / "shards").glob("*.tar")),
    ):
        dataset = open_dataset(source)
        assert isinstance(dataset, WebDataset) and len(dataset) == 2
    assert len(open_dataset(tmp_path / "shards" / "train-001.tar")) == 1
    assert len(open_dataset(tmp_path / "shards", split="train")) == 2


def test_what_is_no_path():
    images = np.stack([picture(number) for number in range(4)])
    for source in ((images, [0, 1, 0, 1]), {"image": images, "label": [0, 1, 0, 1]}, images, list(images)):
        dataset = open_dataset(source)
        assert isinstance(dataset, Arrays) and np.array_equal(dataset.read(2)["image"], images[2])
    arrays = Arrays(image=images, split=["train", "train", "test", "test"])
    assert open_dataset(arrays) is arrays
    assert list(open_dataset(arrays, split="test").keys) == [2, 3]

    class Mapped:
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return images[index], 5

    assert isinstance(open_dataset(Mapped()), Items) and open_dataset(Mapped()).read(0)["label"] == 5
    with pytest.raises(TypeError, match="got int; allowed are a path"):
        open_dataset(5)
    with pytest.raises(TypeError, match="Arrays is open already; it takes no classes"):
        open_dataset(arrays, classes=["a"])


def test_formats_and_options_are_told(tmp_path):
    coco_folder(tmp_path / "c")
    assert type(open_dataset(tmp_path / "c", format="folder")).__name__ == "ImageFolder"
    assert open_dataset(tmp_path / "c", format="coco", masks=False).read(0)["objects"][0].mask is None
    assert open_dataset(tmp_path / "c", format="folder", splits=False).classes == ("train2017", "val2017")
    with pytest.raises(ValueError, match="format='jpeg'; allowed: 'folder', 'pairs'"):
        open_dataset(tmp_path / "c", format="jpeg")
    with pytest.raises(ValueError, match="no annotation file"):
        (tmp_path / "empty").mkdir()
        open_dataset(tmp_path / "empty", format="coco")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        open_dataset(tmp_path / "nowhere", format="folder")


def test_what_is_nothing_that_is_known_says_what_was_looked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: no such file or folder"):
        open_dataset(tmp_path / "nowhere")
    texts(tmp_path / "odd", "x", "a.py", "b/c.py")
    with pytest.raises(
        ValueError, match=r"cannot tell what kind .* looked for data\.yaml \(YOLO\); .*found 2 \.py\. format="
    ):
        open_dataset(tmp_path / "odd")
    with pytest.raises(ValueError, match=r"a\.py: not a data set; a file may be"):
        open_dataset(tmp_path / "odd" / "a.py")
    for name in ("one.csv", "two.csv"):
        write_text(tmp_path / "two" / name, "path,label\n1.jpg,a\n")
    with pytest.raises(ValueError, match=r"several tables \(one\.csv, two\.csv\); give the path of one"):
        open_dataset(tmp_path / "two")
    pictures(tmp_path / "two_coco", "1.jpg")
    texts(tmp_path / "two_coco", coco(["1.jpg"]), "a.json", "b.json")
    with pytest.raises(ValueError, match=r"several annotation files \(a\.json, b\.json\)"):
        open_dataset(tmp_path / "two_coco")
