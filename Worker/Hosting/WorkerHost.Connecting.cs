using Distributed.Protocol.Engines;
using Distributed.Worker.Core;

namespace Distributed.Worker.Hosting;

/// <summary>Attempts to reach the coordinator: numbered, so that one that was given up counts no more.</summary>
public sealed partial class WorkerHost
{
    /// <summary>What the attempt in progress still brings is for nobody.</summary>
    /// <returns>The number of the next one.</returns>
    private int GiveUpAttempt()
    {
        lock (_linkLock)
        {
            return ++_attempt;
        }
    }

    private async Task ConnectAsync(int attempt)
    {
        try
        {
            ICoordinatorLink link = await _connector.ConnectAsync(this, _stopping.Token);
            if (TryTake(link, attempt))
            {
                _host.TryPost(new WorkerEvent.Connected());
            }
            else
            {
                link.Close("it came too late");
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException
            && Volatile.Read(ref _attempt) != attempt)
        {
            // The machine has given it up already.
        }
        catch (LinkRefusedException exception)
        {
            _host.TryPost(new WorkerEvent.Refused(exception.Refusal, exception.Message));
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            OnClosed(exception.Message);
        }
        catch (Exception exception)
        {
            _exit.TrySetException(exception);
        }
    }

    private bool TryTake(ICoordinatorLink link, int attempt)
    {
        lock (_linkLock)
        {
            if (_attempt != attempt)
            {
                return false;
            }

            _link = link;
            return true;
        }
    }
}
