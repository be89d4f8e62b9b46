using Akka.Actor;
using Distributed.Protocol.Machines;

namespace Distributed.Coordinator.Actors;

/// <summary>The coordinator's end of its journal: bounds what is on its way there.</summary>
/// <remarks>
/// A journal waits for a disk, or for a terminal that somebody has stopped. Steps are kept whole, so training waits
/// once so many of them are not written; lines for people are left out, and counted, from <see cref="LinesMax"/> on.
/// The journal answers each message when it has done with it.
/// </remarks>
/// <param name="journal">The actor that writes.</param>
/// <param name="coordinator">Gets the answers, as <see cref="JournalActor.Taken"/>.</param>
/// <param name="interval">Least time between two reports of steps.</param>
/// <param name="recordsMax">Steps that may be on their way.</param>
internal sealed class JournalLink(IActorRef journal, IActorRef coordinator, TimeSpan interval, int recordsMax)
{
    /// <summary>Lines that may be on their way.</summary>
    public const int LinesMax = 1000;

    /// <summary>A validation counts as so many steps: it may have pictures.</summary>
    private const int EvaluationRecords = 1000;

    private List<StepResult> _unreported = [];
    private Timestamp _reportedAt;
    private int _records;
    private int _lines;
    private int _linesLeftOut;
    private int _workersReady;
    private bool _isTellingWorkers;

    /// <summary>Writes; for what is no record.</summary>
    public IActorRef Journal => journal;

    /// <summary>Whether training is to wait until what is on its way has been written.</summary>
    public bool IsFull => _records >= recordsMax;

    /// <summary>A step is done; it is reported with others.</summary>
    public void Add(in StepResult step, Timestamp now)
    {
        _unreported.Add(step);
        if (now - _reportedAt >= interval)
        {
            Report(now);
        }
    }

    /// <summary>Reports the steps that are done.</summary>
    public void Report(Timestamp now)
    {
        if (_unreported.Count > 0)
        {
            _records += _unreported.Count;
            journal.Tell(new JournalActor.Steps(_unreported), coordinator);
            _unreported = [];
            _reportedAt = now;
        }
    }

    /// <summary>A validation is done.</summary>
    public void Add(EvaluationActor.Evaluated evaluated)
    {
        _records += EvaluationRecords;
        journal.Tell(evaluated, coordinator);
    }

    /// <summary>A line for people.</summary>
    public void Note(string line)
    {
        if (_lines >= LinesMax)
        {
            _linesLeftOut++;
            return;
        }

        if (_linesLeftOut > 0)
        {
            Tell($"{_linesLeftOut} lines are left out here");
            _linesLeftOut = 0;
        }

        Tell(line);
    }

    /// <summary>So many workers take part; told if it is another number than before.</summary>
    public void Workers(int count)
    {
        if (count != _workersReady)
        {
            _workersReady = count;
            TellWorkers();
        }
    }

    /// <summary>The journal has done with a message.</summary>
    public void OnTaken(JournalActor.Taken taken)
    {
        switch (taken.Message)
        {
            case JournalActor.Steps steps:
                _records -= steps.Results.Count;
                break;
            case EvaluationActor.Evaluated:
                _records -= EvaluationRecords;
                break;
            case JournalActor.Note:
                _lines--;
                break;
            case JournalActor.Workers told:
                _isTellingWorkers = false;
                if (told.Count != _workersReady)
                {
                    TellWorkers();
                }

                break;
        }
    }

    /// <summary>Of several numbers while one is on its way, the last one counts.</summary>
    private void TellWorkers()
    {
        if (!_isTellingWorkers)
        {
            _isTellingWorkers = true;
            journal.Tell(new JournalActor.Workers(_workersReady), coordinator);
        }
    }

    private void Tell(string line)
    {
        _lines++;
        journal.Tell(new JournalActor.Note(line), coordinator);
    }
}
