"""Published data sets to catalogues: their own files in, videos out, nothing lost.

esyncvidstory.py       E-SyncVidStory, both formats it comes in
annotated.py           ... an entry of all_video_data.json
prompted.py            ... an entry of test.json or train.json, whose annotations stand inside a prompt
video_storytelling.py  Video Storytelling's text files
source_video.py        what every one of them says about a video -> a manifest row
knowledge_text.py      product information as lines of text <-> knowledge points
clip_times.py          annotated times -> clips that follow each other
video_files.py         the video file of every id
imported.py            rows -> videos, or every problem of every entry
author_features.py     the authors' feature files -> arrays
array_pickle.py        ... pickled ones, without running anything a pickle asks for

What a field of a video cannot say exactly is kept under ``extra["original"]``, and what has no field at all under
``extra``. This file itself loads nothing.
"""
