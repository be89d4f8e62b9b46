namespace Distributed.Worker.Actors;

/// <summary>What a worker says about itself when it joins.</summary>
/// <param name="Name">What people call it.</param>
/// <param name="Version">Version of the program.</param>
/// <param name="Numerics">Fingerprint of the arithmetic.</param>
/// <param name="Threads">Shards that it computes at once.</param>
public sealed record WorkerIdentity(string Name, string Version, string Numerics, int Threads);
