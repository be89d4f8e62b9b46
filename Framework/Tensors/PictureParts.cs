namespace Distributed.Framework.Tensors;

/// <summary>Gives a part of a picture. Called from many threads at once.</summary>
/// <param name="top">Its first line.</param>
/// <param name="left">Its first column.</param>
/// <param name="part">Shape of the part, with all channels; inside the picture.</param>
/// <param name="values">[C, H, W] of the part, overwritten.</param>
public delegate void PictureReader(int top, int left, ImageShape part, Span<float> values);

/// <summary>Takes a part of a result. Called from many threads at once; parts come once each, in any order.</summary>
/// <param name="top">Its first line.</param>
/// <param name="left">Its first column.</param>
/// <param name="part">Shape of the part, with all channels; inside the picture.</param>
/// <param name="values">[C, H, W] of the part.</param>
public delegate void PictureWriter(int top, int left, ImageShape part, ReadOnlySpan<float> values);
