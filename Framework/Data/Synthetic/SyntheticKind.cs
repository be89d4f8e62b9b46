namespace Distributed.Framework.Data.Synthetic;

/// <summary>What synthetic images show.</summary>
public enum SyntheticKind
{
    /// <summary>As <see cref="Synthetic.DeadLeaves"/> draws.</summary>
    DeadLeaves,

    /// <summary>As <see cref="DrawnScenes"/> draws.</summary>
    Scenes,
}
