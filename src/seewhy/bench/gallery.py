"""The gallery: the best and worst cases, and those with the largest differences between methods."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any
from urllib.parse import quote

import torch

from seewhy.bench.plan import MODEL_LABEL, Plan
from seewhy.bench.results import Column, Results
from seewhy.bench.worker import Job, SampleState, Worker, reason_of
from seewhy.core.attribution import Attribution
from seewhy.core.display import DISPLAY, Display, expect_display
from seewhy.core.errors import SchemaError, SeewhyError
from seewhy.core.strict_json import parse
from seewhy.core.typed import expect_typed
from seewhy.explainer import Explainer
from seewhy.report.bench_payload import BenchCase, BenchTile
from seewhy.report.overlay import overlay
from seewhy.report.safe_folder import safe_name
from seewhy.runs.files import replace_folder, write_atomically

FOLDER, INDEX = "gallery", "gallery.json"

CASES = "cases.json"
"""The chosen cases without pictures: enough to draw the gallery again."""

PER_KIND = 2
"""Cases of each kind for each model and data set."""

THUMBNAIL_PIXELS = 200
"""Longest side of a thumbnail."""

_REPORT = re.compile(r"\d+-[\w-]+/report\.html")
_PICTURE = re.compile(r"(data:image/(jpeg|png);base64,[A-Za-z0-9+/=]*)?")
"""Reports and pictures as `write_gallery` names them; anything else may lead elsewhere."""

JPEG_QUALITY = 80
"""JPEG quality of a thumbnail."""


@dataclass(frozen=True)
class GalleryCase:
    """A case of the gallery.

    Attributes:
        kind: `"best"`, `"worst"` or `"disputed"`.
        model, data, sample: labels and id.
        figure: the figure by which it was chosen.
        word: index of the word; -1 where the figure is of whole samples.
        scores: the figure of each method on that word, or sample.
        leader: the method with the best mean of the figure: its report is saved.
    """

    kind: str
    model: str
    data: str
    sample: str
    figure: str
    word: int
    scores: dict[str, float]
    leader: str


def choose_cases(results: Results, *, per_kind: int = PER_KIND) -> list[GalleryCase]:
    """The cases of each model and data set, by its leading figure.

    The leading figure is the first mean with a direction. Best and worst are those of the method
    with the best mean; disputed are those where the methods' figures differ most.
    """
    return [
        case
        for model, data in results.samples
        if (column := _leading_column(results, model, data)) is not None
        for case in _cases_of(results, model, data, column, per_kind)
    ]


def cases_json(cases: Sequence[GalleryCase]) -> str:
    """Chosen cases as JSON, one per line."""
    lines = ",\n".join(json.dumps(asdict(case), allow_nan=False) for case in cases)
    return f"[\n{lines}\n]\n"


def read_cases(folder: Path) -> list[GalleryCase]:
    """Read the chosen cases of a folder; none if the file is missing.

    Raises:
        SchemaError: if the file is damaged.
    """
    path = folder / CASES
    try:
        cases = tuple(GalleryCase(**case) for case in parse(path.read_bytes()))
        expect_typed(cases, tuple[GalleryCase, ...], "cases")
        return list(cases)
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, OSError) as error:
        raise SchemaError(
            f"Expected chosen cases in {path}, got {error}: remove the file, and report again."
        ) from error


def write_gallery(
    plan: Plan,
    cases: Sequence[GalleryCase],
    folder: Path,
    *,
    say: Callable[[str], None] | None = None,
    display: Display = DISPLAY,
) -> None:
    """Explain the chosen cases again, and write the report of each into `folder / "gallery"`.

    Args:
        plan: of the run: it has the models and data.
        cases: of the same run.
        folder: of results, or of their tables; its folder `gallery` is replaced.
        say: called with a text as each case starts.
        display: the scale of the thumbnails and of the reports at first (`seewhy.core.display`).

    Raises:
        UnknownNameError: if there is no such scale.
    """
    expect_display(display)
    worker, models = Worker(plan), [spec.label for spec in plan.models]
    target, temporary = folder / FOLDER, folder / f".{FOLDER}.part"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    # Model by model, so that each is loaded once.
    ordered = sorted(cases, key=lambda case: models.index(case.model))
    drawn = []
    try:
        for number, case in enumerate(ordered):
            if say is not None:
                say(f"drawing case {number + 1}: {case.sample} on {case.model}")
            case_folder = temporary / f"{number:02}-{safe_name(case.sample)}"
            drawn.append(_draw_case(worker, case, case_folder, display))
        text = json.dumps(drawn, allow_nan=False)
        write_atomically(temporary / INDEX, lambda path: path.write_text(text, "utf-8"))
        replace_folder(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_gallery(folders: Iterable[Path], target: Path) -> list[BenchCase]:
    """The drawn cases of some folders, with links relative to `target`.

    Raises:
        SchemaError: if the index of a gallery is damaged, or names a picture or report that is not
            one of the gallery's own.
    """
    cases = []
    for folder in folders:
        path = folder / FOLDER / INDEX
        if path.is_file():
            for case in _read_index(path):
                report = case["report"] and folder / FOLDER / case["report"]
                link = Path(os.path.relpath(report, target)).as_posix() if report else ""
                cases.append({**case, "report": quote(link.encode("utf-8", "replace"))})
    return cases


def _read_index(path: Path) -> list[BenchCase]:
    try:
        cases = parse(path.read_bytes())
        expect_typed(cases, list[BenchCase], "cases")
        for case in cases:
            pictures = [case["picture"], *(tile.get("picture", "") for tile in case["tiles"])]
            if not all(_PICTURE.fullmatch(picture) for picture in pictures):
                raise ValueError("a picture that is none of the page's own")
            if case["report"] and not _REPORT.fullmatch(case["report"]):
                raise ValueError(f"a link to {case['report'][:80]!r}")
    except (OSError, ValueError) as error:
        raise SchemaError(
            f"Expected the index of a gallery in {path}, got {str(error)[:200]}: remove the folder "
            "of the gallery, and report again."
        ) from error
    return cases


def _draw_case(worker: Worker, case: GalleryCase, folder: Path, display: Display) -> BenchCase:
    """One case: a thumbnail for each method, and the report of the leading one."""
    plan = worker.plan
    model = [spec.label for spec in plan.models].index(case.model)
    data = [spec.label for spec in plan.datasets].index(case.data)
    loaded = worker.loaded(model)
    state = worker.read(loaded, Job(model, data, case.sample, ()))
    word = _word(state, case)
    return {
        "kind": case.kind,
        "model": case.model,
        "data": case.data,
        "sample": case.sample,
        "figure": case.figure,
        "answer": state.evidence.trace.answer,
        "word": state.words[word].word.text,
        "picture": _original(state),
        "tiles": list(_tiles(worker, case, state, word, display)),
        "report": _write_report(worker, state, loaded, case.leader, folder, display),
    }


def _tiles(
    worker: Worker, case: GalleryCase, state: SampleState, word: int, display: Display
) -> Iterator[BenchTile]:
    """For each method, the thumbnail of its map and its score, or the reason for none."""
    # The answer's scale needs the maps of its other words too.
    others = state.evidence.selected if display == "answer" else ()
    state = state.with_word(word, others)
    for index, spec in enumerate(worker.plan.methods):
        try:
            attribution = worker.attribute(state, index)
        except Exception as error:  # noqa: BLE001 - methods may be third-party code
            yield {"method": spec.label, "why": reason_of(error)}
            continue
        picture, score = _thumbnail(state, attribution, word, display), case.scores.get(spec.label)
        yield {"method": spec.label, "picture": picture, "score": score}


def _write_report(
    worker: Worker,
    state: SampleState,
    loaded: Any,
    method: str,
    folder: Path,
    display: Display,
) -> str:
    """Write the report of a case; "" where the method fails."""
    chosen = next(spec.method for spec in worker.plan.methods if spec.label == method)
    ids = state.evidence.trace.ids
    try:
        explanation = Explainer(loaded).explain(
            state.sample.image, state.sample.prompt, method=chosen, answer=ids, explain_prompt=False
        )
    except SeewhyError:
        return ""
    folder.mkdir()
    (folder / "report.html").write_text(explanation.html(display=display), "utf-8")
    return f"{folder.name}/report.html"


def _word(state: SampleState, case: GalleryCase) -> int:
    if case.word >= 0:
        return case.word
    selected = state.selected or tuple(n for n, word in enumerate(state.words) if word.truth)
    return selected[0] if selected else 0


def _thumbnail(state: SampleState, attribution: Attribution, word: int, display: Display) -> str:
    trace, tokens = state.evidence.trace, list(state.words[word].word.tokens)
    answer = attribution.select(slice(-len(trace.tokens), None))
    explained = [position - len(trace.prompt_tokens) for position in state.evidence.selected]
    span = answer.answer_span(explained)
    shown = answer.displayed(display, span=span)[0][tokens].amax(0).cpu()
    grid, *_ = attribution.grids or trace.inputs.base_grids
    return _jpeg(overlay(_pixels(state), shown, grid, size=_size(state)))


def _original(state: SampleState) -> str:
    return _jpeg(state.sample.image.resize(_size(state)))


def _pixels(state: SampleState) -> torch.Tensor:
    width, height = state.sample.image.size
    pixels = bytearray(state.sample.image.tobytes())
    return torch.frombuffer(pixels, dtype=torch.uint8).view(height, width, 3)


def _size(state: SampleState) -> tuple[int, int]:
    width, height = state.sample.image.size
    ratio = min(1, THUMBNAIL_PIXELS / max(width, height))
    return max(1, round(width * ratio)), max(1, round(height * ratio))


def _jpeg(image: Any) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _cases_of(
    results: Results, model: str, data: str, column: Column, per_kind: int
) -> Iterator[GalleryCase]:
    """The best, worst and disputed cases of one model and data set."""
    scores = _scores(results, model, data, column)
    sign = 1 if column.higher_is_better else -1
    leader = _leader(scores.values(), sign)
    known = [case for case in scores if leader in scores[case]]
    ranked = sorted(known, key=lambda case: (-sign * scores[case][leader], case))
    spread = sorted(known, key=lambda case: (-pstdev(scores[case].values()), case))
    samples, taken = results.samples[model, data], set()
    for kind, order in (("best", ranked), ("worst", ranked[::-1]), ("disputed", spread)):
        for image, word in _of_new_samples(order, taken, per_kind):
            labels = (model, data, samples[image])
            yield GalleryCase(kind, *labels, column.name, word, scores[image, word], leader)


def _leader(scores: Iterable[dict[str, float]], sign: int) -> str:
    """The method with the best mean."""
    values: dict[str, list[float]] = {}
    for methods in scores:
        for method, value in methods.items():
            values.setdefault(method, []).append(value)
    return max(values, key=lambda method: sign * fmean(values[method]))


def _leading_column(results: Results, model: str, data: str) -> Column | None:
    """The first mean with a direction, except costs, that several methods have."""
    for column in results.columns:
        if column.curve or column.statistic != "mean" or column.higher_is_better is None:
            continue
        if column.unit in ("seconds", "bytes") or column.metric.startswith("cost"):
            continue
        methods = [
            method
            for method in results.methods
            if method != MODEL_LABEL and results.series(model, data, method, column)[0].values
        ]
        if len(methods) > 1:
            return column
    return None


def _scores(
    results: Results, model: str, data: str, column: Column
) -> dict[tuple[int, int], dict[str, float]]:
    """The figure of every method by indices of sample and word; means of several values."""
    several: dict[tuple[int, int], dict[str, list[float]]] = {}
    for method in results.methods:
        series = results.series(model, data, method, column)[0]
        for value, image, word in zip(series.values, series.images, series.words, strict=True):
            several.setdefault((image, word), {}).setdefault(method, []).append(value)
    return {
        case: {method: fmean(values) for method, values in methods.items()}
        for case, methods in several.items()
    }


def _of_new_samples(
    order: Sequence[tuple[int, int]], taken: set[int], count: int
) -> Iterator[tuple[int, int]]:
    """The first `count` of an order with samples that are not in `taken`, which grows."""
    for image, word in order:
        if count and image not in taken:
            taken.add(image)
            count -= 1
            yield image, word
