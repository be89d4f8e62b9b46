namespace Distributed.Simulation;

/// <summary>What may go wrong in one run, drawn from its seed: some runs have little of it, some everything.</summary>
internal sealed class Faults
{
    public Faults(World world)
    {
        LossPercent = world.Chance(30) ? world.Draw(4) : 0;
        DuplicatePercent = world.Chance(40) ? world.Draw(20) : 0;
        IsReordering = world.Chance(30);
        DelayMax = world.Chance(50) ? 0.02 : 0.5;
        GapMax = world.Chance(50) ? 2 : 10;
        NotFinitePercent = world.Chance(50) ? 1 + world.Draw(30) : 0;
        LiePercent = world.Chance(50) ? 1 + world.Draw(20) : 0;
        SaveFailurePercent = world.Chance(30) ? 1 + world.Draw(20) : 0;
        StepFailurePercent = world.Chance(20) ? 1 + world.Draw(3) : 0;
        foreach (Kind kind in Enum.GetValues<Kind>())
        {
            if (world.Chance(60))
            {
                Kinds.Add(kind);
            }
        }
    }

    internal enum Kind
    {
        CrashWorker,
        CrashCoordinator,
        Partition,
        Stall,
        Freeze,
        Drain,
        CutLink,
        Stop,
    }

    /// <summary>A lost message takes the rest of its connection with it: nothing after it arrives.</summary>
    public int LossPercent { get; private set; }

    public int DuplicatePercent { get; private set; }

    /// <summary>Whether messages of one lane may overtake each other; different lanes always may.</summary>
    public bool IsReordering { get; private set; }

    /// <summary>Seconds.</summary>
    public double DelayMax { get; private set; }

    /// <summary>Most seconds between two faults.</summary>
    public double GapMax { get; }

    /// <summary>Sums of a bad worker that are not finite, although its shards are.</summary>
    public int NotFinitePercent { get; private set; }

    /// <summary>Sums of a bad worker that are followed by a wrong one: its shape, its term, whose shards.</summary>
    public int LiePercent { get; private set; }

    /// <summary>Checkpoints that cannot be written.</summary>
    public int SaveFailurePercent { get; private set; }

    /// <summary>Steps that cannot be done.</summary>
    public int StepFailurePercent { get; private set; }

    public List<Kind> Kinds { get; } = [];

    public bool AreOver { get; private set; }

    public void Heal()
    {
        AreOver = true;
        LossPercent = 0;
        DuplicatePercent = 0;
        IsReordering = false;
        DelayMax = 0.02;
        NotFinitePercent = 0;
        LiePercent = 0;
        SaveFailurePercent = 0;
        StepFailurePercent = 0;
    }

    public override string ToString() =>
        $"loss {LossPercent} %, duplicates {DuplicatePercent} %, reordering {IsReordering}, delay {DelayMax} s, "
        + $"not finite {NotFinitePercent} %, lies {LiePercent} %, failing saves {SaveFailurePercent} %, "
        + $"failing steps {StepFailurePercent} %, {string.Join(' ', Kinds)}";
}
