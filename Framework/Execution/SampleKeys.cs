namespace Distributed.Framework.Execution;

/// <summary>What the random numbers of a pass are a function of.</summary>
/// <param name="Seed">The run's.</param>
/// <param name="Step">Optimizer updates done before this one.</param>
/// <param name="FirstSample">Position of the pass's first image within its epoch; the others follow.</param>
public readonly record struct SampleKeys(uint Seed, int Step, int FirstSample);
