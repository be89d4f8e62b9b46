using Distributed.Framework.Training;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;

namespace Distributed.Coordinator.Core;

/// <summary>When to look at the validation data: after every epoch or every so often, whichever is rarer.</summary>
/// <remarks>The clock decides only when somebody looks, never the result of training.</remarks>
/// <param name="schedule">Knows where epochs end.</param>
/// <param name="gapMin">Least time from one look to the next.</param>
/// <param name="isOn">Whether there is anything to look at.</param>
public sealed class ValidationPlan(BatchSchedule schedule, TimeSpan gapMin, bool isOn)
{
    private Timestamp _last;
    private Step? _step;

    /// <summary>Whether to validate after an update, in mid-run.</summary>
    public bool IsDue(Step step, Timestamp now) => isOn && schedule.EndsEpoch(step.Value) && now - _last >= gapMin;

    /// <summary>Whether to validate at the end.</summary>
    public bool IsWantedAtEnd(Step step) => isOn && _step != step;

    /// <summary>Notes the start of the run or of a validation; the gap counts from here.</summary>
    public void Begin(Step? step, Timestamp now)
    {
        _step = step;
        _last = now;
    }
}
