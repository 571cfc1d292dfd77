"""What is raised where nnlite and ONNX do not say the same."""


class OnnxError(ValueError):
    """A model cannot be said in ONNX, or an ONNX file cannot be read, or not be said in layers. The message says why.

    Example:
        >>> from nnlite.interop import OnnxError, from_onnx
        >>> try:
        ...     from_onnx("no_such_file.onnx")
        ... except OnnxError as error:
        ...     print(error)
        from_onnx: cannot read no_such_file.onnx: No such file or directory
    """
