"""A family nobody wrote an adapter for: which pixels a token owns is found by experiment."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image as Pictures
from torch import Tensor, nn

from seewhy.core.errors import GeometryError, UnsupportedModelError
from seewhy.core.geometry import Geometry, TokenGrid
from seewhy.models.chat_template import adds_special_tokens
from seewhy.models.family import Family, VisualInputs, on_device

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedModel

    from seewhy.models.processing import ProcessorParts

#: What a processor returns beside the vision part.
TEXTUAL = ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids")

#: The share of a token's strongest response below which it does not answer to a stripe.
HEARD = 0.2


@dataclass(frozen=True, eq=False)
class Found:
    """What was found out about pictures of one size at one scale.

    Attributes:
        layers: the rasters, in pixels of the original.
        non_spatial: which image tokens answered to no stripe.
        confidence: the least share, over layers, of painted blocks found by the right token.
        silenced: whether the vision side's attention was silenced meanwhile.
        passes: vision passes that it took.
    """

    layers: tuple[TokenGrid, ...]
    non_spatial: tuple[int, ...]
    confidence: float
    silenced: bool
    passes: int


class Heard(Exception):  # noqa: N818 - a signal, no error
    """Ends a forward pass where the language model would begin."""


class Probed(Family):
    """Any image-text-to-text model of transformers, or one that looks alike, by experiment.

    Stripes are painted over a noisy picture and each image token's response, on its way into the
    language model, says where it looks; the vision side's attention is silenced meanwhile, so that
    a token shows its own patch and no other's. Then single blocks are painted: the share of them
    that the right token finds is the confidence. Boxes depend on a picture's size and the scale
    alone, so each pair is probed once. What enters later layers (DeepStack) goes unnoticed.
    """

    name = "probed"
    model_types = ()
    checkpoints = ()
    scaling = (
        "resized picture: it is resized to scale times its size before the model's own processor; "
        "where that fixes the size, all scales are one"
    )
    unseen = "found by experiment: pixels that no token answers to belong to no box"
    default_marker = "<image>"

    #: Below this confidence a model is refused.
    threshold = 0.9
    #: Stripes painted along each side, at most.
    stripes = 96
    #: Blocks painted into each layer, to see how sure the boxes are.
    blocks = 20

    def __init__(self, model: PreTrainedModel, processor: ProcessorParts) -> None:
        super().__init__(model, processor)
        if processor.whole is None:
            raise UnsupportedModelError(
                f"Expected the whole processor of {type(model).__name__}, got its parts alone: "
                "only the processor knows how to expand an image's placeholder. Hand in what "
                "AutoProcessor.from_pretrained returns."
            )
        self.passes = 0
        self._decoder = decoder_of(model)
        self._found: dict[tuple[tuple[int, int], float], Found] = {}
        self._text = self._rendered()
        # What another family knows of all its checkpoints is found for this one model.
        self._lead, self._tail, self.default_marker = self._find_marker()  # pyright: ignore

    @cached_property
    def image_token_id(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The commonest id where the language model's input changes along with the picture."""
        ids, vision = self._process(noise((96, 64), 0), 1.0)
        _, other = self._process(noise((96, 64), 1), 1.0)
        changed = (self._hear(ids, vision) != self._hear(ids, other)).any(-1)
        if not bool(changed.any()):
            raise UnsupportedModelError(
                f"Expected a picture to change the input of {type(self._decoder).__name__}, got "
                f"{len(ids)} embeddings that stay as they are: this model shows its language model "
                "pictures by another way (such as cross-attention), write an adapter for it."
            )
        return int(torch.tensor(ids)[changed].mode().values)

    def process_image(self, image: Image, scale: float = 1.0) -> VisualInputs:
        """Prepare an upright RGB picture at a scale; 1 is what the model's own processor does.

        Raises:
            UnsupportedModelError: if the tokens' boxes cannot be told with confidence.
        """
        ids, vision = self._process(image, scale)
        found = self.probe(image.size, scale)
        geometry = Geometry(image.size, found.layers)
        count = geometry.visual + len(found.non_spatial)
        if ids.count(self.image_token_id) != count:
            raise GeometryError(
                f"Expected {count} image tokens for a picture of {image.width} x {image.height} at "
                f"scale {scale}, as probed, got {ids.count(self.image_token_id)}: this processor "
                "looks at more than a picture's size."
            )
        return VisualInputs(
            tensors=vision,
            placeholder=self._placeholder(ids),
            geometries=(geometry,),
            size=self._size(vision, geometry),
            non_spatial=found.non_spatial,
            notes=self._notes(found),
        )

    def _notes(self, found: Found) -> tuple[str, ...]:
        silenced = "" if found.silenced else ", without silencing the vision side's attention"
        return (
            f"No adapter stands for {type(self.model).__name__}: where its tokens stand was found "
            f"by experiment{silenced}; the right token found {found.confidence:.0%} of painted "
            "blocks.",
        )

    def visual_features(self, seen: VisualInputs) -> Tensor:
        """Float `[visual, hidden]`: what enters the language model at the image tokens."""
        features = self._features(self._encode(self._with(seen.placeholder)), seen.tensors)
        owners = torch.ones(len(features), dtype=torch.bool)
        owners[list(seen.non_spatial)] = False
        return features[owners.to(features.device)]

    def probe(self, size: tuple[int, int], scale: float = 1.0) -> Found:
        """Find the boxes of pictures of a size (width, height), or remember them.

        Raises:
            UnsupportedModelError: if the confidence is below `threshold`.
        """
        if (size, scale) not in self._found:
            self._found[size, scale] = self._experiment(size, scale)
        found = self._found[size, scale]
        if found.confidence < self.threshold:
            raise UnsupportedModelError(
                f"Expected a confidence of {self.threshold:.0%} or more in the boxes of "
                f"{type(self.model).__name__}, got {found.confidence:.0%} (picture of {size[0]} x "
                f"{size[1]}, scale {scale}): its tokens seem to own no boxes of pixels, as behind "
                "a resampler or Q-former; choose another model, or write an adapter."
            )
        return found

    def _experiment(self, size: tuple[int, int], scale: float) -> Found:
        """Probe with the vision side's attention silenced; as it is where silence hides all."""
        begun, found = self.passes, None
        _ = self.image_token_id  # found while all of the vision side speaks
        attentions = [
            module
            for name, module in self.model.named_modules()
            if "Attention" in type(module).__name__ and not self._is_language(name)
        ]
        for silent in [True, False] if attentions else [False]:
            with silence(attentions if silent else []):
                layers, non_spatial = self._rasters(size, scale)
                sure = self._confidence(size, scale, layers, non_spatial) if layers else 0.0
            if found is None or sure > found.confidence:
                found = Found(tuple(layers), non_spatial, sure, silent, 0)
            if sure >= self.threshold:
                break
        assert found is not None
        return replace(found, passes=self.passes - begun)

    def _rasters(
        self, size: tuple[int, int], scale: float
    ) -> tuple[list[TokenGrid], tuple[int, ...]]:
        """Layers of the tokens that answer to stripes, and the tokens that do not."""
        across, x = self._profile(size, scale, 0)
        down, y = self._profile(size, scale, 1)
        silent = (across.amax(-1) == 0) | (down.amax(-1) == 0)
        answering = (~silent).nonzero().flatten()
        if not len(answering):
            return [], ()
        across, down = (part[answering] / part[answering].amax(-1, True) for part in (across, down))
        layers = rasters(across, down, x, y)
        if repeated(layers):  # tokens that all look at the same place own none
            return [], ()
        return layers, tuple(silent.nonzero().flatten().tolist())

    def _profile(self, size: tuple[int, int], scale: float, axis: int) -> tuple[Tensor, Tensor]:
        """How far each image token moves at each stripe, float64 `[token, stripe]`; the edges."""
        picture = noise(size, 0)
        edges = torch.linspace(0, size[axis], min(size[axis], self.stripes) + 1).round().int()
        before = self._look(picture, scale)
        moves = []
        for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            box = (low, 0, high, size[1]) if axis == 0 else (0, low, size[0], high)
            moves.append(self._moved(picture, box, scale, before))
        return torch.stack(moves, -1).double(), edges.double()

    def _confidence(
        self,
        size: tuple[int, int],
        scale: float,
        layers: list[TokenGrid],
        non_spatial: tuple[int, ...],
    ) -> float:
        """The least share, over layers, of painted blocks that the right token finds."""
        picture, boxes = noise(size, 0), Geometry(size, tuple(layers)).boxes
        before, shares = self._look(picture, scale), []
        owners = torch.ones(len(before), dtype=torch.bool)
        owners[list(non_spatial)] = False
        rng = np.random.default_rng(0)
        for layer in layers:
            right = 0
            for left, top, far, bottom in blocks(layer, size, self.blocks, rng):
                moved = self._moved(picture, (left, top, far, bottom), scale, before)[owners]
                token = layer.index.flatten()[moved[layer.index.flatten()].argmax()]
                low_x, low_y, high_x, high_y = boxes[token].tolist()
                x, y = (left + far) / 2, (top + bottom) / 2
                # A block may lie across an edge: its centre is held, or the box's rim lies in it.
                reach_x, reach_y = (far - left) / 2, (bottom - top) / 2
                across = low_x - reach_x <= x <= high_x + reach_x
                right += across and low_y - reach_y <= y <= high_y + reach_y
            shares.append(right / self.blocks)
        return min(shares)

    def _moved(self, picture: Image, box: Any, scale: float, before: Tensor) -> Tensor:
        """How far each image token moves, relative to its length, when a box is painted white."""
        painted = picture.copy()
        painted.paste((255, 255, 255), box)
        after = self._look(painted, scale)
        return ((after - before).norm(dim=-1) / before.norm(dim=-1).clamp(min=1e-12)).cpu()

    def _look(self, picture: Image, scale: float) -> Tensor:
        return self._features(*self._process(picture, scale))

    def _features(self, ids: Sequence[int], vision: Any) -> Tensor:
        """Float32 `[image token, hidden]`: the language model's input at the image tokens."""
        heard = self._hear(ids, vision)
        return heard[(torch.tensor(ids) == self.image_token_id).to(heard.device)]

    @torch.no_grad()
    def _hear(self, ids: Sequence[int], vision: Any) -> Tensor:
        """Float32 `[position, hidden]`: what enters the language model, which never runs."""
        heard: list[Tensor] = []

        def listen(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            embeds = kwargs.get("inputs_embeds")
            if embeds is not None:
                heard.append(embeds)
                raise Heard

        self.passes += 1
        given = torch.tensor([ids])
        tensors = {"input_ids": given, "attention_mask": torch.ones_like(given)}
        if "mm_token_type_ids" in inspect.signature(self.model.forward).parameters:
            # Only positions depend on the kinds, and the language model never runs.
            known = self.__dict__.get("image_token_id", configured_token(self.model.config))
            tensors["mm_token_type_ids"] = (given == known).long()
        hook = self._decoder.register_forward_pre_hook(listen, with_kwargs=True)
        training = [module for module in self.model.modules() if module.training]
        try:
            for module in training:
                module.training = False
            self.model(**on_device({**tensors, **vision}, self.model))
        except Heard:
            return heard[0][0].float()
        finally:
            hook.remove()
            for module in training:
                module.training = True
        raise UnsupportedModelError(
            f"Expected {type(self.model).__name__} to hand inputs_embeds to its language model "
            f"({type(self._decoder).__name__}), got none: write an adapter for it."
        )

    def _process(
        self, picture: Image, scale: float, text: str | None = None
    ) -> tuple[list[int], dict[str, Any]]:
        """Ids and vision part by the model's own processor."""
        if scale != 1:
            wanted = [max(1, round(side * scale)) for side in picture.size]
            picture = picture.resize((wanted[0], wanted[1]), Pictures.Resampling.BICUBIC)
        text = self._text if text is None else text
        made = self.processor.whole(
            images=[picture],
            text=[text],
            return_tensors="pt",
            add_special_tokens=adds_special_tokens(self.processor.tokenizer, text),
        )
        takes = inspect.signature(self.model.forward).parameters
        if "token_type_ids" in takes and bool(torch.as_tensor(made.get("token_type_ids", 0)).any()):
            raise UnsupportedModelError(
                f"Expected tokens that are all of one type, got {type(self.model).__name__} with "
                "token_type_ids: what they mean cannot be probed, write an adapter."
            )
        vision = {name: made[name] for name in made if name not in TEXTUAL and name in takes}
        for name, value in vision.items():
            # Some processors (Llama 4's) give half precision, whatever the model's is.
            if isinstance(value, Tensor) and value.dtype in (torch.bfloat16, torch.float16):
                vision[name] = value.to(self.model.dtype)
        return torch.as_tensor(made["input_ids"])[0].tolist(), vision

    def _rendered(self, words: str = "What is this?") -> str:
        """A user's turn with an image in it, as the template writes it, or the plain format."""
        processor = self.processor
        if processor.template is None:
            marker = getattr(processor.whole, "image_token", None) or self.default_marker
            return self.plain_format.format(marker=marker, prompt=words)
        content = [{"type": "image"}, {"type": "text", "text": words}]
        return processor.tokenizer.apply_chat_template(
            [{"role": "user", "content": content}],
            chat_template=processor.template,
            add_generation_prompt=True,
            tokenize=False,
        )

    def _find_marker(self) -> tuple[int, int, str]:
        """How many ids stand before and behind the image's marker, and the marker.

        The marker is what the processor replaces: where its ids part from the tokenizer's.
        """
        plain, spans = self._encode(self._text), self._spans(self._text)
        ids, _ = self._process(noise((96, 64), 0), 1.0)
        if len(ids) <= len(plain):
            raise UnsupportedModelError(
                f"Expected {type(self.processor.whole).__name__} to replace an image's marker by "
                f"its tokens, got {len(ids)} ids from {len(plain)}: write an adapter."
            )
        lead = shared_start(plain, ids)
        tail = shared_start(plain[lead:][::-1], ids[lead:][::-1])
        if lead + tail == len(plain):  # the marker is the image token itself
            lead -= 1
        begin, end = spans[lead][0], spans[len(plain) - tail - 1][1]
        return lead, tail, self._text[begin:end]

    def _placeholder(self, ids: list[int]) -> str:
        """The text by which the processor replaces the marker.

        Raises:
            UnsupportedModelError: if it comes out as other ids when it is tokenised again.
        """
        middle = ids[self._lead : len(ids) - self._tail]
        tokenizer = self.processor.tokenizer
        added, parts, run = tokenizer.added_tokens_decoder, [], []
        for token in [*middle, None]:
            if token is not None and token not in added:
                run.append(token)
                continue
            parts.append(tokenizer.decode(run) if run else "")
            parts.append("" if token is None else added[token].content)
            run = []
        placeholder = "".join(parts)
        if self._encode(self._with(placeholder)) != ids:
            raise UnsupportedModelError(
                f"Expected the ids of {type(self.processor.whole).__name__} to be those of a text, "
                f"got {middle[:8]}..., decoded as {placeholder[:80]!r}, which is tokenised in "
                "another way: write an adapter."
            )
        return placeholder

    def _with(self, placeholder: str) -> str:
        return self._text.replace(self.default_marker, placeholder, 1)

    def _encode(self, text: str) -> list[int]:
        tokenizer = self.processor.tokenizer
        adds = adds_special_tokens(tokenizer, text)
        return tokenizer(text, add_special_tokens=adds)["input_ids"]

    def _spans(self, text: str) -> list[tuple[int, int]]:
        tokenizer = self.processor.tokenizer
        adds = adds_special_tokens(tokenizer, text)
        made = tokenizer(text, add_special_tokens=adds, return_offsets_mapping=True)
        return made["offset_mapping"]

    def _size(self, vision: dict[str, Any], geometry: Geometry) -> tuple[int, int]:
        """The canvas's cells times the mean side of a cell, in numbers that the model takes."""
        numbers = sum(v.numel() for n, v in vision.items() if n.startswith("pixel_values"))
        side = max(1, round((numbers / 3 / geometry.visual) ** 0.5))
        rows, columns = geometry.base_grid.shape
        return columns * side, rows * side

    def _is_language(self, name: str) -> bool:
        return any(name == own or name.startswith(f"{own}.") for own in self._language)

    @cached_property
    def _language(self) -> tuple[str, ...]:
        """Names of the language model in the model."""
        return tuple(n for n, module in self.model.named_modules() if module is self._decoder)


def decoder_of(model: Any) -> nn.Module:
    """The language model that takes `inputs_embeds`.

    Raises:
        UnsupportedModelError: if there is none.
    """
    decoder = model.get_decoder() if hasattr(model, "get_decoder") else None
    if isinstance(decoder, nn.Module) and decoder is not model and decoder is not model.base_model:
        return decoder
    for name, module in model.named_modules():
        if name.rpartition(".")[-1] in ("language_model", "text_model", "llm"):
            return module
    raise UnsupportedModelError(
        f"Expected a model with a language model in it, got {type(model).__name__} without "
        "get_decoder() or .language_model: write an adapter."
    )


def configured_token(config: Any) -> int:
    """The image token's id by the config, or one that never occurs."""
    for name in ("image_token_id", "image_token_index"):
        if isinstance(getattr(config, name, None), int):
            return getattr(config, name)
    return -1


@contextmanager
def silence(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Let modules write zeros; their outputs are tensors, or tuples that begin with one."""

    def zero(_: nn.Module, __: Any, output: Any) -> Any:
        if isinstance(output, tuple):
            return (torch.zeros_like(output[0]), *output[1:])
        return torch.zeros_like(output) if isinstance(output, Tensor) else output

    with ExitStack() as stack:
        for module in modules:
            stack.callback(module.register_forward_hook(zero).remove)
        yield


def noise(size: tuple[int, int], seed: int) -> Image:
    """A dim random picture of a width and a height, no two patches alike."""
    rng = np.random.default_rng(seed)
    return Pictures.fromarray(rng.integers(70, 110, (size[1], size[0], 3), dtype=np.uint8))


def blocks(
    layer: TokenGrid, size: tuple[int, int], number: int, rng: np.random.Generator
) -> list[tuple[int, int, int, int]]:
    """Random boxes of whole pixels, a third of a cell wide, anywhere that a layer looks.

    They are drawn over the picture and not within cells, so that cells that lie in the wrong place
    are found out.
    """
    found = []
    for _ in range(number):
        spans = []
        for edges, length in zip((layer.column_edges, layer.row_edges), size, strict=True):
            side = max(1, round(float(edges.diff().median()) / 3))
            low, high = max(0.0, float(edges[0])), min(float(length), float(edges[-1]))
            first = min(int(rng.uniform(low, max(low, high - side))), length - 1)
            spans.append((first, min(first + side, length)))
        (left, right), (top, bottom) = spans
        found.append((left, top, right, bottom))
    return found


def shared_start(one: Sequence[int], other: Sequence[int]) -> int:
    """How many entries two sequences begin with alike.

    Example:
        >>> shared_start([1, 2, 3], [1, 2, 4, 3])
        2
    """
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def rasters(across: Tensor, down: Tensor, x: Tensor, y: Tensor) -> list[TokenGrid]:
    """Group tokens into rasters by where they answer.

    Tokens are read in order: a run of rows with the same columns is a block; blocks whose cells
    are of one size and do not overlap (tiles) are one layer if they fill it.

    Args:
        across, down: float64 `[token, stripe]`, each token's response, at most 1.
        x, y: float64 `[stripe + 1]`, the stripes' edges in pixels.
    """
    (cx, width), (cy, height) = extent(across, x), extent(down, y)
    pool: list[list[list[int]]] = []  # layers of blocks of tokens
    for block in runs(cx, cy, width, height):
        for layer in pool:
            if _fits([token for part in layer for token in part], block, cx, cy, width, height):
                layer.append(block)
                break
        else:
            pool.append([block])
    groups: list[list[int]] = []
    for layer in pool:
        tokens = [token for part in layer for token in part]
        groups += [tokens] if _grid(tokens, cx, cy, width, height) is not None else layer
    found = []
    for tokens in groups:
        index = _grid(tokens, cx, cy, width, height)
        if index is None:  # these tokens form no raster: the painted blocks must not find them
            return []
        columns = edges_of([across[index[:, c]].mean(0) for c in range(index.shape[1])], x)
        rows = edges_of([down[index[r]].mean(0) for r in range(index.shape[0])], y)
        if not (bool((columns.diff() > 0).all()) and bool((rows.diff() > 0).all())):
            return []
        found.append(TokenGrid(index, rows, columns, f"layer {len(found) + 1}"))
    return (
        found
        if len(found) > 1
        else [TokenGrid(f.index, f.row_edges, f.column_edges) for f in found]
    )


def repeated(layers: Sequence[TokenGrid]) -> bool:
    """Whether two layers have the same cells, as those of tokens that look everywhere do."""
    for number, one in enumerate(layers):
        for other in layers[:number]:
            if one.shape == other.shape:
                cell = float(one.row_edges.diff().mean()), float(one.column_edges.diff().mean())
                apart = (
                    (one.row_edges - other.row_edges).abs().max(),
                    (one.column_edges - other.column_edges).abs().max(),
                )
                if all(float(a) < c / 2 for a, c in zip(apart, cell, strict=True)):
                    return True
    return False


def extent(profile: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
    """Each token's centre and width in pixels, from the stripes that it answers to."""
    heard = (profile >= HEARD).int()
    low = edges[heard.argmax(-1)]
    high = edges[profile.shape[-1] - heard.flip(-1).argmax(-1)]
    return (low + high) / 2, high - low


def runs(cx: Tensor, cy: Tensor, width: Tensor, height: Tensor) -> list[list[int]]:
    """Cut tokens, in their order, into blocks of rows with the same columns."""
    lines: list[list[int]] = [[0]]
    for token in range(1, len(cx)):
        same = abs(cy[token] - cy[token - 1]) < height[token] / 2
        right = cx[token] - cx[token - 1] > width[token] / 4
        lines.append([token]) if not (same and right) else lines[-1].append(token)
    found: list[list[list[int]]] = []
    for line in lines:
        last = found[-1][-1] if found else []
        alike = len(last) == len(line) and bool(
            ((cx[line] - cx[last]).abs() < width[line] / 2).all()
        )
        below = alike and bool((cy[line] - cy[last]).mean() > height[line].mean() / 4)
        found[-1].append(line) if below else found.append([line])
    return [[token for line in block for token in line] for block in found]


def _fits(
    tokens: list[int], block: list[int], cx: Tensor, cy: Tensor, width: Tensor, height: Tensor
) -> bool:
    """Whether a block's cells are as large as a layer's and overlap none of them."""
    for sides in (width, height):
        ratio = float(sides[block].median() / sides[tokens].median())
        if not 0.75 < ratio < 1.33:
            return False
    near_x = (cx[block][:, None] - cx[tokens]).abs() < width[block].median() / 2
    near_y = (cy[block][:, None] - cy[tokens]).abs() < height[block].median() / 2
    return not bool((near_x & near_y).any())


def _grid(
    tokens: list[int], cx: Tensor, cy: Tensor, width: Tensor, height: Tensor
) -> Tensor | None:
    """int64 `[height, width]`, the tokens by row and column, or None if they fill no grid."""
    column, row = (
        ranks(centres[tokens], float(sides[tokens].median()) * 0.4)
        for centres, sides in ((cx, width), (cy, height))
    )
    grid = torch.full((int(row.max()) + 1, int(column.max()) + 1), -1)
    grid[row, column] = torch.tensor(tokens)
    return grid if grid.numel() == len(tokens) and bool((grid >= 0).all()) else None


def ranks(centres: Tensor, gap: float) -> Tensor:
    """int64: the place of each centre among those more than `gap` apart.

    Example:
        >>> ranks(torch.tensor([10.0, 1.0, 1.2]), 1.0)
        tensor([1, 0, 0])
    """
    order = centres.argsort()
    steps = torch.zeros(len(centres), dtype=torch.long)
    steps[order[1:]] = (centres[order].diff() > gap).long()
    return steps[order].cumsum(0)[order.argsort()]


def edges_of(profiles: list[Tensor], stripes: Tensor) -> Tensor:
    """Edges of cells in pixels: float64 `[cells + 1]`.

    Two neighbours part where most of the one's response lies before and most of the other's
    behind. Resampling spreads both alike, so it does not shift the edge. The outer edges carry on
    the cells' pitch: beyond the picture where the processor pads.
    """
    near = torch.stack([profile * (profile >= HEARD) for profile in profiles])
    low, high = ((near > 0).int() for _ in range(2))
    first = stripes[int(low[0].argmax())]
    last = stripes[near.shape[1] - int(high[-1].flip(-1).argmax())]
    if len(profiles) == 1:
        return torch.stack([first, last])
    cuts = (near[:-1] - near[1:]).cumsum(-1)
    inner = torch.stack([_summit(cut, stripes) for cut in cuts])
    if len(inner) == 1:
        return torch.cat([first[None], inner, last[None]])
    # Where the model itself interpolates a raster, neighbours share pixels and the cuts keep to
    # the edges of what was interpolated; the middles between centres then tell the cells.
    middles = (stripes[:-1] + stripes[1:]) / 2
    centres = (near @ middles) / near.sum(-1)
    step = float(stripes.diff().max())
    for cells in (inner, (centres[:-1] + centres[1:]) / 2):
        line = _line(cells)
        if float((line[1:-1] - cells).abs().max()) <= 1.5 * step:  # equal cells
            return line
    return torch.cat([2 * inner[:1] - inner[1:2], inner, 2 * inner[-1:] - inner[-2:-1]])


def _line(inner: Tensor) -> Tensor:
    """Inner edges on their line of least squares, and the outer ones that carry it on."""
    places = torch.arange(1, len(inner) + 1, dtype=torch.float64)
    apart = places - places.mean()
    slope = (apart * (inner - inner.mean())).sum() / (apart**2).sum()
    return inner.mean() + slope * (torch.arange(len(inner) + 2).double() - places.mean())


def _summit(cut: Tensor, stripes: Tensor) -> Tensor:
    """Where a sum over stripes is largest: the middle of the stripes' edges that share it."""
    best = (cut >= cut.max() - 0.05 * cut.max().abs()).nonzero().flatten()
    top = int(cut.argmax())
    near = best[(best - top).abs() <= 1]
    return stripes[near + 1].mean()
