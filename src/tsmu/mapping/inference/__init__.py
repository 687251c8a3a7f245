"""How a batch of tiles becomes probabilities: networks, the engines that compute them, and their precision.

    engine            `Engine`: a network that is ready to compute, whatever computes it
    torch_engine      computed by torch: the reference, and on NVIDIA GPUs
    openvino_runtime  OpenVINO as all of tsmu loads it
    openvino_model    the file of a bundle's network for OpenVINO, converted once
    int8_model        the same quantised to int8
    openvino_engine   computed by OpenVINO: on CPUs
    mask_agreement    whether a faster precision gives the masks of float32
    engine_choice     which engine, device and precision map a scene
    receptive_field   how far around a pixel a network looks, measured
    prediction        predictions of a batch, averaged over test-time augmentation and blended over regions

Nothing is imported here: OpenVINO's conversions run these modules in processes of their own.
"""
