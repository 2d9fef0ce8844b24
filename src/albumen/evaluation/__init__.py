"""How good is a pack? Retrieval, zero-shot and classification on labelled shards.

from albumen.evaluation import evaluate, find_shards

report = evaluate(find_shards([Path("val-000.tar")]), open_pack("starter"))
report.zero_shot["caltech101"].top1.value
"""

from albumen.evaluation.protocol import Report, evaluate
from albumen.evaluation.shards import EvaluationError, find_shards

__all__ = ["EvaluationError", "Report", "evaluate", "find_shards"]
