"""Picture files: read, write, probe. What the formats are stands in `relume.io.formats`."""

from relume.io.formats import FORMATS, FileInfo, WriteOptions
from relume.io.probe import probe
from relume.io.read import read
from relume.io.write import check_writable, write

__all__ = ["FORMATS", "FileInfo", "WriteOptions", "check_writable", "probe", "read", "write"]
