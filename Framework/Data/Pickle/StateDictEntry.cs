namespace Distributed.Framework.Data.Pickle;

/// <summary>One tensor of a model's state dictionary.</summary>
/// <param name="Name">Dotted path, for example "0.weight".</param>
/// <param name="DType">Type in the file: integers, such as batch norm's counter, are kept too.</param>
/// <param name="Shape">Sizes; empty for a single number.</param>
/// <param name="Values">Elements in order, as floats.</param>
public sealed record StateDictEntry(string Name, TorchDType DType, long[] Shape, float[] Values);
