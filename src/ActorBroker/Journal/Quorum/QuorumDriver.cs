using ActorBroker.Log;

namespace ActorBroker.Journal.Quorum;

/// <summary>
/// Performs what a writer's core wants: with this node's disk at once, with other nodes through the transport, whose
/// answers come back as further steps. What became of it goes to <paramref name="outcome"/>.
/// </summary>
internal sealed class QuorumDriver(
    QuorumWriterCore core, Member self, LocalVoter voter, RemoteVoters others, FollowerTimes times, TimeProvider time, Action<WriterEffect> outcome)
{
    public void Run(Action<List<WriterEffect>> step)
    {
        var effects = new List<WriterEffect>();
        var here = new Queue<VoterRequest>();
        step(effects);
        for (var i = 0; i < effects.Count || here.Count > 0;)
        {
            // Performing one may add more behind it. What goes to this node's disk comes last: others sync meanwhile.
            if (i < effects.Count)
            {
                Perform(effects[i++], effects, here);
                continue;
            }

            core.OnReply(voter.Step(here.Dequeue()), effects);
            times.OnAnswer(self, core);
        }
    }

    public void OnReply(VoterReply reply)
    {
        Run(effects => core.OnReply(reply, effects));
        times.OnAnswer(reply.From, core);
    }

    public void OnRead(EntriesRead read) => Run(effects => OnRead(read, effects));

    private void Perform(in WriterEffect effect, List<WriterEffect> effects, Queue<VoterRequest> here)
    {
        switch (effect.Kind)
        {
            case WriterEffectKind.Send when effect.To == self.Broker:
                here.Enqueue(effect.Request!);
                break;
            case WriterEffectKind.Send:
                others.Send(effect.To, effect.Request!);
                break;
            case WriterEffectKind.Read when effect.Source != self.Broker:
                others.Read(core.Epoch, effect);
                break;
            case WriterEffectKind.Read when effect.To == BrokerId.None:
                core.OnAdopted(voter.Index(), effects);
                break;
            case WriterEffectKind.Read:
                OnRead(voter.Read(new ReadEntries(core.Epoch, effect.To, effect.From, effect.Through)), effects);
                break;
            case WriterEffectKind.EncodeMembers:
                EncodeMembers(effect, effects);
                break;
            default:
                outcome(effect);
                break;
        }
    }

    private void OnRead(EntriesRead read, List<WriterEffect> effects)
    {
        if (read.Start == EntryId.Zero) core.OnRead(read.To, read.From, read.Entries, effects);
        else core.OnBehindStart(read.To, read.Start, read.Members, effects);
    }

    private void EncodeMembers(in WriterEffect effect, List<WriterEffect> effects)
    {
        using var builder = new RecordBatchBuilder(Array.MaxLength) { IsControl = true };
        builder.TryAppend(time.GetUtcNow().ToUnixTimeMilliseconds(), key: null, MembersCodec.Encode(effect.Members));
        core.OnMembersEncoded(effect.Epoch, effect.Members, ProposedWrites.Finish(builder, core.Last, effect.Epoch), effects);
    }
}
