using Distributed.Framework.Kernels;

namespace Distributed.Framework.Execution;

/// <summary>An operation that can apply an elementwise function to its result in place.</summary>
internal interface IActivated
{
    /// <summary>Applied to the result.</summary>
    ActivationKind Activation { get; set; }
}
