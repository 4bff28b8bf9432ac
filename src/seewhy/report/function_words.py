"""The most frequent function words of some languages besides English.

They only decide which word of an answer a page opens on: a word that is missing here is opened on,
and nothing else depends on it.
"""

from __future__ import annotations

from seewhy.core.lexicon import listed

BY_LANGUAGE = {
    "Arabic": listed("في من على إلى عن مع هذا هذه ذلك التي الذي هو هي و أو ثم أن إن كان يوجد هناك"),
    "Chinese": listed(
        "的 了 在 是 和 与 有 一 个 一个 一只 一条 一张 这 那 这个 那个 上 下 里 中 着 地 得 也 都 "
        "就 不 很 这张 图 图片 图中 照片 我 你 他 她 它 我们 他们 为 以 及 其 被 把 从 到 对 于"
    ),
    "Dutch": listed(
        "de het een en van in op aan met voor naar bij uit is zijn er dat die dit deze te niet "
        "ook om als door over onder tussen wordt"
    ),
    "French": listed(
        "le la les un une des du de d' l' l’ d’ et ou à au aux en dans sur sous avec sans pour par "
        "ce cet cette ces il elle ils elles on y qui que qu' est sont a ont se sa son ses leur "
        "leurs ne pas plus il y"
    ),
    "German": listed(
        "der die das den dem des ein eine einen einem einer eines und oder in im ins an am auf aus "
        "bei mit nach von vom vor zu zum zur über unter ist sind war es er sie sich nicht auch "
        "wird hat zwei es gibt"
    ),
    "Hindi": listed("है हैं था थे का के की को में से पर और या एक यह वह इस उस भी ने तो ही कि जो"),
    "Indonesian": listed("yang di ke dari dan atau ini itu ada adalah dengan untuk pada sebuah"),
    "Italian": listed(
        "il lo la i gli le un uno una di a da in con su per tra fra e o del dello della dei degli "
        "delle al alla nel nella sul sulla è sono c'è ci che si non anche"
    ),
    "Japanese": listed(
        "の は が を に で と も へ や から まで より です ます いる ある いる。 この その あの "
        "これ それ という として ている た て"
    ),
    "Korean": listed("은 는 이 가 을 를 의 에 에서 와 과 도 으로 로 있다 있습니다 한 그 저 및"),
    "Polish": listed("i w we na z ze do od o u po za pod nad przy jest są to ten ta nie się oraz"),
    "Portuguese": listed(
        "o a os as um uma uns umas de do da dos das em no na nos nas e ou com por para que se é "
        "são há ao à não também"
    ),
    "Russian": listed(
        "и в во на с со к ко у о об от до из за под над при по не что как это эта этот он она оно "
        "они а но или есть"
    ),
    "Spanish": listed(
        "el la los las un una unos unas de del en y o a al con por para que se es son hay está "
        "están su sus no también lo"
    ),
    "Turkish": listed("ve bir bu şu o ile için de da var olan üzerinde içinde"),
    "Vietnamese": listed("là của và có một các những này đó trong trên với cho được ở"),
}  # fmt: skip
"""Function words by language, in lower case."""

FUNCTION_WORDS = frozenset[str]().union(*BY_LANGUAGE.values())
"""Those of all these languages."""
