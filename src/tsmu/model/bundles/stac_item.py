"""A bundle as a STAC item with the Machine Learning Model extension (v1.4.0)."""

from collections.abc import Mapping
from typing import Any

from tsmu.model.bundles.record import BundleRecord
from tsmu.model.network.region_net import SIDE_MULTIPLE

EXTENSIONS = [
    "https://stac-extensions.github.io/mlm/v1.4.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
]
METADATA_TYPES = {".md": "text/markdown", ".csv": "text/csv"}  # by suffix
SHA256_MULTIHASH = "1220"  # function sha2-256, length 32, as the file extension requires it


def bundle_stac_item(record: BundleRecord, files: Mapping[str, tuple[str, int]]) -> dict[str, Any]:
    """Describe a bundle as a STAC item for catalogues.

    Args:
        record: the bundle's own record.
        files: (hex SHA-256, size in bytes) by path relative to bundle.json.

    Returns:
        The item as JSON has it; its assets are the files.
    """
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": EXTENSIONS,
        "id": f"tsmu-v{record.version:03d}",
        "geometry": None,
        "properties": {
            "datetime": record.created,
            "description": f"Landslide segmentation for {', '.join(record.regions)}",
            "mlm:name": "tsmu",
            "mlm:architecture": "U-Net",
            "mlm:tasks": ["semantic-segmentation"],
            "mlm:framework": "pytorch",
            "mlm:framework_version": record.software["torch"],
            "mlm:pretrained": record.weights != "none",
            "mlm:pretrained_source": None if record.weights == "none" else record.weights_source or record.weights,
            "mlm:hyperparameters": {"encoder": record.encoder, "decoders": record.decoders},
            "mlm:input": [_input(record)],
            "mlm:output": [_output(record, region) for region in record.regions],
        },
        "links": [],
        "assets": {file: _asset(file, checksum, size) for file, (checksum, size) in files.items()},
    }


def _input(record: BundleRecord) -> dict[str, Any]:
    return {
        "name": "image",
        "bands": record.bands,
        "input": {
            "shape": [-1, len(record.bands), -1, -1],
            "dim_order": ["batch", "bands", "height", "width"],
            "data_type": "float32",
        },
        "description": f"Raw values; sides are padded to multiples of {SIDE_MULTIPLE} px",
        "value_scaling": [
            {"type": "z-score", "mean": mean, "stddev": std} for mean, std in zip(record.mean, record.std, strict=True)
        ],
        "resize_type": None,
    }


def _output(record: BundleRecord, region: str) -> dict[str, Any]:
    return {
        "name": region,
        "tasks": ["semantic-segmentation"],
        "result": {"shape": [-1, -1, -1], "dim_order": ["batch", "height", "width"], "data_type": "float32"},
        "classification:classes": [
            {"value": 0, "name": "background"},
            {"value": 1, "name": "landslide"},
        ],
        "description": f"Landslide logit per pixel, decoder {record.regions[region].decoder}",
    }


def _asset(file: str, checksum: str, size: int) -> dict[str, Any]:
    asset: dict[str, Any] = {"href": file, "file:checksum": SHA256_MULTIHASH + checksum, "file:size": size}
    for suffix, media_type in METADATA_TYPES.items():
        if file.endswith(suffix):
            return asset | {"type": media_type, "roles": ["metadata"]}
    return asset | {
        "type": "application/octet-stream; framework=safetensors",
        "roles": ["mlm:model", "mlm:weights"],
        "mlm:artifact_type": "safetensors",
    }
