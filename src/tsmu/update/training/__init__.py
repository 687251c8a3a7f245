"""Training a network on the chips of one region, whatever the strategy.

region_training   `train_region`, and `learn_region` for research without a workspace: what a training consists of
settings          steps, batch size and seed; what is known of earlier regions; progress and result
schedule          which stage a step is in, and the learning rates
batches           chips are read, augmented and stacked
sampler           which chips a step learns from
lightning_loop    the loop itself, on Lightning; the only module that knows Lightning
best_weights      the weights with the best score on validation chips
checkpoints       when a checkpoint is due, and whether an old one can be resumed from
"""
