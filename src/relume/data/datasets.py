"""The table of data sets that are known, each in the folders in which it is published.

A new data set is one function `find` and one row here.
"""

from relume.data import (
    hdrtv1k,
    ldr_hdr_pair,
    numbered,
    picture_folders,
    si_hdr,
    singlehdr,
    ultrahdr,
)
from relume.data.sample import DataSet
from relume.errors import MethodError

_NOT_STATED = "not stated; for research, ask the authors for more"

DATA_SETS: tuple[DataSet, ...] = (
    DataSet(
        name="hdr-real",
        title="HDR-Real",
        citation="liu2020",
        licence=_NOT_STATED,
        published="with the code of SingleHDR",
        layout=singlehdr.REAL_LAYOUT,
        kind="pairs",
        find=singlehdr.find_real,
    ),
    DataSet(
        name="hdr-synth",
        title="HDR-Synth",
        citation="liu2020",
        licence="those of the data sets that it is collected from",
        published="with the code of SingleHDR",
        layout=singlehdr.SYNTH_LAYOUT,
        kind="hdr",
        find=singlehdr.find_synth,
    ),
    DataSet(
        name="hdr-eye",
        title="HDR-Eye",
        citation="nemoto2015",
        licence=_NOT_STATED,
        published="by the Multimedia Signal Processing Group of EPFL",
        layout=numbered.LAYOUT,
        kind="pairs",
        find=numbered.find,
    ),
    DataSet(
        name="raise",
        title="RAISE, as pairs",
        citation="dangnguyen2015",
        licence="research and education, not commercial",
        published="the raw files by the University of Trento, the pairs with SingleHDR",
        layout=numbered.LAYOUT,
        kind="pairs",
        find=numbered.find,
    ),
    DataSet(
        name="ldr-hdr-pair",
        title="LDR-HDR-pair",
        citation="jang2020",
        licence=_NOT_STATED,
        published="by the authors as a repository of its own",
        layout=ldr_hdr_pair.LAYOUT,
        kind="pairs",
        find=ldr_hdr_pair.find,
    ),
    DataSet(
        name="si-hdr",
        title="SI-HDR",
        citation="hanji2022",
        licence="stated on its page",
        published="by the Rainbow group of the University of Cambridge",
        layout=si_hdr.LAYOUT,
        kind="pairs",
        find=si_hdr.find,
    ),
    DataSet(
        name="hdrtv1k",
        title="HDRTV1K",
        citation="chen2021",
        licence="academic use only; the films belong to their makers",
        published="with the code of HDRTVNet",
        layout=hdrtv1k.LAYOUT,
        kind="pairs",
        find=hdrtv1k.find,
        load_hdr=hdrtv1k.load_hdr,
        relative=False,
    ),
    DataSet(
        name="fairchild",
        title="HDR Photographic Survey",
        citation="fairchild2007",
        licence="research, not commercial; stated on its page",
        published="by Mark Fairchild, Rochester Institute of Technology",
        layout=picture_folders.HDR_LAYOUT,
        kind="hdr",
        find=picture_folders.find_photographs,
    ),
    DataSet(
        name="stanford-hdri",
        title="Stanford HDRI",
        citation="xiao2002",
        licence=_NOT_STATED,
        published="by the imaging group of Stanford University",
        layout=picture_folders.HDR_LAYOUT,
        kind="hdr",
        find=picture_folders.find_photographs,
    ),
    DataSet(
        name="poly-haven",
        title="Poly Haven panoramas",
        citation="",
        licence="CC0 1.0",
        published="by Poly Haven",
        layout=picture_folders.PANORAMA_LAYOUT,
        kind="hdr",
        find=picture_folders.find_panoramas,
    ),
    DataSet(
        name="ultra-hdr",
        title="Ultra HDR photographs",
        citation="iso21496",
        licence="that of each photograph",
        published="what many telephones take",
        layout=ultrahdr.LAYOUT,
        kind="pairs",
        find=ultrahdr.find,
        relative=False,
    ),
    DataSet(
        name="hdr-folder",
        title="any folder of HDR pictures",
        citation="",
        licence="that of each picture",
        published="your own",
        layout=picture_folders.HDR_LAYOUT,
        kind="hdr",
        find=picture_folders.find_hdr,
    ),
    DataSet(
        name="sdr-folder",
        title="any folder of SDR pictures",
        citation="",
        licence="that of each picture",
        published="your own",
        layout=picture_folders.SDR_LAYOUT,
        kind="sdr",
        find=picture_folders.find_sdr,
    ),
)


def data_set(name: str) -> DataSet:
    """The data set of that name.

    Raises:
        MethodError: there is none.
    """
    for row in DATA_SETS:
        if row.name == name:
            return row
    known = ", ".join(row.name for row in DATA_SETS)
    raise MethodError(f"unknown data set '{name}'; expected one of {known}.")
