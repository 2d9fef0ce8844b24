"""Tiny models with random weights, laid out as published repositories are.

Made by the publishers' own means: `transformers` saves weights, configs and tokenizers; `onnx`
files have the inputs and outputs of the repositories that they stand for.
"""

import json
from pathlib import Path

import bench._references  # noqa: F401  (before transformers: loads beside any PyTorch)
import onnx
import torch
import transformers
from onnx import TensorProto, helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing

SIDE, DIM, CONTEXT = 32, 16, 24
CLASSES = ["coffee", "cat", "rocket", "motorcycle", "clock"]
HALVES = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}


def tokenizer(file: Path) -> Tokenizer:
    """Letters and common words, with start and end tokens as CLIP's has them: the highest ids."""
    made = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=200, end_of_word_suffix="</w>", show_progress=False,
        initial_alphabet=list("abcdefghijklmnopqrstuvwxyz"),
    )  # fmt: skip
    made.train_from_iterator(["a photo of a cat and a dog on the beach"] * 4, trainer)
    made.add_special_tokens(["<|startoftext|>", "<|endoftext|>"])
    start, end = made.token_to_id("<|startoftext|>"), made.token_to_id("<|endoftext|>")
    made.post_processor = TemplateProcessing(
        single="<|startoftext|> $A <|endoftext|>",
        special_tokens=[("<|startoftext|>", start), ("<|endoftext|>", end)],
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    made.save(str(file))
    return made


def clip_config(words: int) -> transformers.CLIPConfig:
    shared = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2}
    text = shared | {
        "vocab_size": words, "num_hidden_layers": 1, "max_position_embeddings": CONTEXT,
        "eos_token_id": words - 1, "bos_token_id": words - 2, "pad_token_id": words - 1,
    }  # fmt: skip
    vision = shared | {"num_hidden_layers": 1, "image_size": SIDE, "patch_size": 8}
    return transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=DIM)


def clip_weights(folder: Path) -> transformers.CLIPModel:
    """As openai/clip-vit-base-patch32: weights, config, preprocessor, tokenizer."""
    words = tokenizer(folder / "tokenizer.json").get_vocab_size()
    torch.manual_seed(3)
    model = transformers.CLIPModel(clip_config(words)).eval()
    for parameter in model.parameters():  # as drawn, embeddings would hardly differ
        parameter.data.mul_(3)
    model.save_pretrained(folder)
    processor(folder)
    return model


def processor(folder: Path) -> None:
    said = {
        "image_processor_type": "CLIPImageProcessor", "do_center_crop": True, "resample": 3,
        "crop_size": {"height": SIDE, "width": SIDE}, "size": {"shortest_edge": SIDE}, **HALVES,
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(said))


def vit_weights(folder: Path) -> transformers.ViTForImageClassification:
    """As google/vit-base-patch16-224."""
    torch.manual_seed(4)
    config = transformers.ViTConfig(
        hidden_size=32, intermediate_size=64, num_attention_heads=2, num_hidden_layers=2,
        image_size=SIDE, patch_size=8, num_labels=len(CLASSES),
        id2label=dict(enumerate(CLASSES)), label2id={name: i for i, name in enumerate(CLASSES)},
    )  # fmt: skip
    model = transformers.ViTForImageClassification(config).eval()
    for parameter in model.parameters():
        parameter.data.mul_(4)
    model.save_pretrained(folder)
    said = {
        "image_processor_type": "ViTImageProcessor", "resample": 2,
        "size": {"height": SIDE, "width": SIDE}, **HALVES,
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    return model


def xenova(folder: Path, *, quantized: bool = True) -> transformers.CLIPModel:
    """As Xenova/clip-vit-base-patch32: `pixel_values`, `input_ids`, free batch, not of length 1."""
    model = clip_weights(folder)
    (folder / "model.safetensors").unlink()
    pixels, ids = torch.zeros(2, 3, SIDE, SIDE), torch.full((2, 5), 3)
    batch, tokens = {0: "batch"}, {0: "batch", 1: "tokens"}
    towers = folder / "onnx"
    export(
        Vision(model), pixels, towers / "vision_model.onnx", "pixel_values", "image_embeds", batch
    )
    export(Text(model), ids, towers / "text_model.onnx", "input_ids", "text_embeds", tokens)
    if quantized:
        from onnxruntime.quantization import quantize_dynamic

        for name in ("vision_model", "text_model"):
            quantize_dynamic(
                towers / f"{name}.onnx", towers / f"{name}_quantized.onnx",
                op_types_to_quantize=["MatMul", "Gemm", "Gather"],
            )  # fmt: skip
    return model


def immich(folder: Path) -> transformers.CLIPModel:
    """As immich-app/ViT-B-32__openai: one picture, one text of int32 at its full length."""
    model = clip_weights(folder)
    for name in ("model.safetensors", "preprocessor_config.json"):
        (folder / name).unlink()
    (folder / "textual").mkdir(parents=True)
    (folder / "tokenizer.json").rename(folder / "textual/tokenizer.json")
    pad = {"pad_token": "<|endoftext|>"}
    (folder / "textual/tokenizer_config.json").write_text(json.dumps(pad))
    pixels = torch.zeros(1, 3, SIDE, SIDE)
    ids = torch.full((1, CONTEXT), 3, dtype=torch.int32)
    unit = torch.nn.functional.normalize
    export(Vision(model, unit), pixels, folder / "visual/model.onnx", "image", "embedding", {})
    export(Text(model, unit), ids, folder / "textual/model.onnx", "text", "embedding", {})
    said = {
        "size": [SIDE, SIDE], "mode": "RGB", "mean": [0.5] * 3, "std": [0.5] * 3,
        "interpolation": "bicubic", "resize_mode": "shortest", "fill_color": 0,
    }  # fmt: skip
    (folder / "visual/preprocess_cfg.json").write_text(json.dumps(said))
    config = {
        "embed_dim": DIM, "vision_cfg": {"image_size": SIDE, "patch_size": 8},
        "text_cfg": {"context_length": CONTEXT},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return model


def classifier(folder: Path) -> transformers.ViTForImageClassification:
    """As Xenova/vit-base-patch16-224: `onnx/model.onnx` with `logits`."""
    model = vit_weights(folder)
    (folder / "model.safetensors").unlink()
    pixels = torch.zeros(2, 3, SIDE, SIDE)
    file = folder / "onnx/model.onnx"
    export(Logits(model), pixels, file, "pixel_values", "logits", {0: "batch"})
    return model


class Vision(torch.nn.Module):
    def __init__(self, model, last=lambda x, dim: x):
        super().__init__()
        self.model, self.last = model, last

    def forward(self, pixels):
        seen = self.model.vision_model(pixels).pooler_output
        return self.last(self.model.visual_projection(seen), dim=-1)


class Text(torch.nn.Module):
    def __init__(self, model, last=lambda x, dim: x):
        super().__init__()
        self.model, self.last = model, last

    def forward(self, ids):
        read = self.model.text_model(ids.long()).pooler_output
        return self.last(self.model.text_projection(read), dim=-1)


class Logits(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixels):
        return self.model(pixels).logits


def export(module, example, file: Path, name: str, output: str, free: dict) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    dims = dict.fromkeys(free, torch.export.Dim.DYNAMIC)
    program = torch.onnx.export(
        module.eval(), (example,), dynamo=True, opset_version=18, dynamic_shapes=(dims,),
        input_names=[name], output_names=[output], verbose=False,
    )  # fmt: skip
    program.optimize()
    model = program.model_proto
    del model.graph.value_info[:]  # the quantizer's shape inference trips over them
    onnx.save(model, file)


def outside(folder: Path) -> None:
    """A vision model that keeps its weights in another file, which packs may not."""
    file = folder / "onnx/vision_model.onnx"
    model = onnx.load(file)
    onnx.save(model, file, save_as_external_data=True, location="weights.data", size_threshold=0)


def not_a_tower(file: Path) -> None:
    """A model with two inputs where pixels alone are wanted."""
    put = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["b", 4]) for n in ("x", "y")]
    out = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["b", 4])
    graph = helper.make_graph([helper.make_node("Add", ["x", "y"], ["z"])], "g", put, [out])
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), file)
