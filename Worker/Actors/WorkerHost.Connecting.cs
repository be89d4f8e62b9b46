using System.Buffers;
using Distributed.Framework.Tensors;
using Distributed.Protocol.Cluster;
using Distributed.Protocol.Engines;
using Distributed.Protocol.Machines;
using Distributed.Protocol.Messages;
using Distributed.Worker.Core;

namespace Distributed.Worker.Actors;

/// <summary>Attempts to reach the coordinator: what one that was given up still brings is for nobody.</summary>
public sealed partial class WorkerHost
{
    private Attempt BeginAttempt()
    {
        lock (_linkLock)
        {
            return _attempt = new Attempt(this);
        }
    }

    private void GiveUpAttempt()
    {
        lock (_linkLock)
        {
            _attempt = null;
        }
    }

    private async Task ConnectAsync(Attempt attempt)
    {
        try
        {
            ICoordinatorLink link = await _connector.ConnectAsync(attempt, _stopping.Token);
            if (TryTake(link, attempt))
            {
                _host.TryPost(new WorkerEvent.Connected());
            }
            else
            {
                link.Close("it came too late");
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            attempt.OnClosed(exception.Message);
        }
        catch (LinkRefusedException exception)
        {
            _host.TryPost(new WorkerEvent.Refused(exception.Refusal, exception.Message));
        }
        catch (Exception exception)
        {
            _exit.TrySetException(exception);
        }
    }

    private bool TryTake(ICoordinatorLink link, Attempt attempt)
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

    private void OnMessage(CoordinatorMessage message, IMemoryOwner<float>? bulk)
    {
        if (_data.Take(message, bulk))
        {
            return;
        }

        WorkerEvent @event = message switch
        {
            CoordinatorMessage.Welcome welcome => OnWelcome(welcome),
            CoordinatorMessage.Refuse refuse => new WorkerEvent.Refused(refuse.Refusal, refuse.Reason),
            CoordinatorMessage.Heartbeat => new WorkerEvent.CoordinatorHeard(),
            CoordinatorMessage.Parameters parameters => new WorkerEvent.ParametersArrived(
                parameters.Term, parameters.Step, Keep((PooledBuffer)bulk!)),
            CoordinatorMessage.Assign assign => new WorkerEvent.Assigned(assign.Term, assign.Step, assign.Shards),
            CoordinatorMessage.Finish finish => new WorkerEvent.Finished(finish.Reason),
            _ => throw new InvalidOperationException($"No such message: {message.GetType().Name}."),
        };
        if (!_host.TryPost(@event) && @event is WorkerEvent.ParametersArrived { Parameters: var ticket })
        {
            Let(ticket);
        }
    }

    private IMemoryOwner<float> Rent(CoordinatorMessage message, int floatCount) =>
        message is CoordinatorMessage.DataBlock block ? _data.Rent(block, floatCount)
        : message is CoordinatorMessage.Parameters && _job is { } job && floatCount == job.Gradients.Length
            ? job.Gradients.Rent()
        : throw new ProtocolException($"{message.GetType().Name} with {floatCount} floats is not expected.");

    private void OnClosed(string why)
    {
        _data.OnLinkLost();
        if (why != LastFault)
        {
            LastFault = why;
            Note($"No link to the coordinator: {why}");
        }

        _host.TryPost(new WorkerEvent.ConnectionLost(why));
    }

    /// <summary>Who hears what a link says: the worker, as long as this attempt is the one that counts.</summary>
    private sealed class Attempt(WorkerHost worker) : IWorkerEndpoint
    {
        private bool Counts => worker._attempt == this;

        public void OnMessage(CoordinatorMessage message, IMemoryOwner<float>? bulk)
        {
            if (Counts)
            {
                worker.OnMessage(message, bulk);
            }
            else
            {
                bulk?.Dispose();
            }
        }

        public void OnHeard()
        {
            if (Counts)
            {
                worker._host.TryPost(s_heard);
            }
        }

        public IMemoryOwner<float> Rent(CoordinatorMessage message, int floatCount) => Counts
            ? worker.Rent(message, floatCount)
            : throw new ProtocolException("The link was given up.");

        /// <remarks>In the lock, so that the mailbox has it before anything of the next attempt.</remarks>
        public void OnClosed(string why)
        {
            lock (worker._linkLock)
            {
                if (Counts)
                {
                    worker._attempt = null;
                    worker.OnClosed(why);
                }
            }
        }
    }
}
