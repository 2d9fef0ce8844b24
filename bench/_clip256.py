"""CLIP ViT-B/32 at 256 pixels with random weights, as packs of ours and as the files rclip opens.

Speed does not depend on what a network has learned, so nothing is downloaded: open_clip draws the
weights (seeded), `albumen packs add` makes packs of them as it would of the published ones, and
PyTorch exports open_clip's own towers for rclip, which is given none of what our graphs spare.
"""

import gzip
import json
import shutil
from pathlib import Path

MODEL = "ViT-B-32-256"
CONTEXT = 77
START, END = "<|startoftext|>", "<|endoftext|>"
PRECISIONS = ("float32", "int8")


def packs(folder: Path) -> dict[str, Path]:
    """Packs by precision, made in `folder` unless they lie there from an earlier run."""
    from albumen.packs.add import Options, add

    made = {precision: folder / "packs" / f"b32-256-{precision}" for precision in PRECISIONS}
    for precision, pack in made.items():
        if not (pack / "pack.json").is_file():
            options = Options(folder / "packs", folder / "downloads", precision=precision)
            add(str(_published(folder / "published")), pack.name, options)
    return made


def rclip_data(folder: Path) -> Path:
    """A folder for RCLIP_DATADIR that holds the float32 towers and open_clip's vocabulary."""
    data = folder / "rclip-data"
    models = data / "ViT-B-32-256-datacomp_s34b_b86k"
    if not (data / "tokenizer").is_dir():
        models.mkdir(parents=True, exist_ok=True)
        _export_for_rclip(_published(folder / "published"), models)
        (data / "tokenizer").mkdir()
        shutil.copy(_vocabulary(), data / "tokenizer" / "bpe_simple_vocab_16e6.txt.gz")
    return data


def said_of_int8(pack: Path) -> str:
    """What verifying the int8 towers found."""
    precision = json.loads((pack / "pack.json").read_text())["precision"]
    return json.dumps({"towers": precision["towers"], **precision["verified"]})


def _published(folder: Path) -> Path:
    """The layout of the hub's repository: weights, config, tokenizer."""
    if not (folder / "tokenizer.json").is_file():
        import bench._references  # noqa: F401  # before open_clip
        import open_clip
        import torch
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(0)
        model = open_clip.create_model(MODEL)
        weights = {name: value.contiguous() for name, value in model.state_dict().items()}
        save_file(weights, folder / "open_clip_model.safetensors")
        config = {
            "model_cfg": open_clip.get_model_config(MODEL),
            "preprocess_cfg": {
                key: model.visual.preprocess_cfg[key]
                for key in ("size", "mean", "std", "interpolation", "resize_mode")
            },
        }
        (folder / "open_clip_config.json").write_text(json.dumps(config))
        _write_tokenizer(folder)
    return folder


def _vocabulary() -> Path:
    import bench._references  # noqa: F401  # before open_clip
    from open_clip.tokenizer import default_bpe

    return Path(default_bpe())


def _write_tokenizer(folder: Path) -> None:
    """tokenizer.json as transformers writes it from OpenAI's one file of merges."""
    from open_clip.tokenizer import bytes_to_unicode
    from transformers import CLIPTokenizer

    lines = gzip.decompress(_vocabulary().read_bytes()).decode().split("\n")
    merges = lines[1 : 49152 - 256 - 2 + 1]
    letters = list(bytes_to_unicode().values())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += ["".join(merge.split()) for merge in merges] + [START, END]
    CLIPTokenizer(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=[tuple(merge.split()) for merge in merges],
        model_max_length=CONTEXT,
    ).save_pretrained(folder)


def _export_for_rclip(published: Path, models: Path) -> None:
    """open_clip's towers as they are, with the file and tensor names that rclip asks for."""
    import bench._references  # noqa: F401  # before open_clip
    import open_clip
    import torch
    from safetensors.torch import load_file

    model = open_clip.create_model(MODEL).eval()
    model.load_state_dict(load_file(published / "open_clip_model.safetensors"))

    class Texts(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.clip = model

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.clip.encode_text(ids)

    side = open_clip.get_model_config(MODEL)["vision_cfg"]["image_size"]
    towers = {
        "visual.onnx": (model.visual, torch.zeros(2, 3, side, side)),
        "textual.onnx": (Texts().eval(), torch.zeros(2, CONTEXT, dtype=torch.int64)),
    }
    for name, (tower, example) in towers.items():
        torch.onnx.export(
            tower,
            (example,),
            models / name,
            dynamo=True,
            external_data=False,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            input_names=["input"],
            output_names=["output"],
            verbose=False,
        )
