"""BibTeX of the works that the methods rest on."""

from __future__ import annotations

_ENTRIES = {
    "liang2025intramodal": r"""@article{liang2025intramodal,
  title   = {Explaining multimodal {LLMs} via intra-modal token interactions},
  author  = {Liang, Jiawei and Chen, Ruoyu and Jiao, Xianghao and Liang, Siyuan and Liu, Shiming
             and Zhang, Qunli and Hu, Zheng and Cao, Xiaochun},
  journal = {arXiv preprint arXiv:2509.22415},
  year    = {2025},
}""",
    "li2025tam": r"""@inproceedings{li2025tam,
  title     = {Token Activation Map to Visually Explain Multimodal {LLMs}},
  author    = {Li, Yi and Wang, Hualiang and Ding, Xinpeng and Wang, Haonan and Li, Xiaomeng},
  booktitle = {Proceedings of the IEEE/CVF International Conference on Computer Vision (ICCV)},
  year      = {2025},
  note      = {arXiv:2506.23270},
}""",
    "webber2010rbo": r"""@article{webber2010rbo,
  title   = {A Similarity Measure for Indefinite Rankings},
  author  = {Webber, William and Moffat, Alistair and Zobel, Justin},
  journal = {ACM Transactions on Information Systems},
  volume  = {28},
  number  = {4},
  year    = {2010},
}""",
    "nostalgebraist2020logitlens": r"""@misc{nostalgebraist2020logitlens,
  title        = {interpreting {GPT}: the logit lens},
  author       = {nostalgebraist},
  howpublished = {LessWrong},
  year         = {2020},
}""",
}


def bibtex(key: str) -> str:
    """The BibTeX entry of a citation key.

    Raises:
        KeyError: if no entry bears the key; a test keeps every method's keys known.
    """
    return _ENTRIES[key]
